import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tensorBoard } from "../../src/formats/logs/tensor-board.ts";
import {
  crc32c,
  event,
  graphDef,
  histogram,
  histogramOf,
  images,
  record,
  scalar,
} from "../../src/formats/logs/tf-events.ts";
import { conv2d, dense, flatten } from "../../src/model/layers/index.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { findPython, runPython } from "../support/python.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const folder = mkdtempSync(join(tmpdir(), "wasmgrad-tb-"));
afterAll(() => rmSync(folder, { recursive: true }));

const theirs = JSON.parse(readFileSync(new URL("../fixtures/logs/events.json", import.meta.url), "utf8")) as {
  readonly [name: string]: string;
} & {
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly histograms: Readonly<Record<string, string>>;
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const TIME = 1700000000.25;

describe("an event has the bytes that TensorBoard's own code gives it", () => {
  test("the first, which names the format", () => {
    expect(hex(event(TIME, { fileVersion: "brain.Event:2" }))).toBe(theirs.version);
  });

  test("the graph", () => {
    const graph = graphDef([
      { name: "input", op: "input", inputs: [], outputShape: [28, 28, 1], numbers: {} },
      { name: "dense", op: "dense", inputs: ["input"], outputShape: [10], numbers: { parameters: 7850 } },
    ]);
    expect(hex(event(TIME, { graph }))).toBe(theirs.graph);
  });

  test("scalars, at step 0 and far on, and one that is no number", () => {
    const summaries = [scalar("epoch_loss", 2.5), scalar("epoch_accuracy", 0.1)];
    expect(hex(event(TIME, { step: 0, summaries }))).toBe(theirs.scalars);
    const late = { step: 12345678901, summaries: [scalar("batch_loss", Number.NaN)] };
    expect(hex(event(TIME, late))).toBe(theirs.late);
  });

  test.each(Object.keys(theirs.values))("a histogram: %s", (name) => {
    const summaries = [histogram("dense/kernel/histogram", Float32Array.from(theirs.values[name]!))];
    expect(hex(event(TIME, { step: 3, summaries }))).toBe(theirs.histograms[name]);
  });

  test("pictures", () => {
    const files = ["one", "two"].map((name) => new Uint8Array(Buffer.from(`\x89PNG ${name}`, "latin1")));
    const summaries = [images("conv2d/kernel/image", { width: 3, height: 2 }, files)];
    expect(hex(event(TIME, { step: 1, summaries }))).toBe(theirs.images);
  });

  test("in records with their checksums", () => {
    const contents = [
      new Uint8Array(),
      Buffer.from("wasmgrad"),
      Uint8Array.from({ length: 768 }, (_, i) => i % 256),
    ];
    expect(contents.map((content) => hex(record(content))).join("")).toBe(theirs.records);
    // RFC 3720, B.4.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });

  test("and a histogram counts what is finite alone", () => {
    const rows = histogramOf(Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 2));
    expect([rows[0], rows.at(-2), rows[2], rows.at(-1)]).toEqual([1, 2, 1, 1]);
    expect(histogramOf(Float32Array.of(Number.NaN)).every((value) => value === 0)).toBe(true);
  });
});

const data = halves(50, 3);
const layers = () => [
  conv2d({ filters: 3, kernelSize: 3, inputShape: [6, 6, 1] }),
  flatten(),
  dense({ units: 2, activation: "softmax" }),
];
const fit: FitOptions = { epochs: 3, batchSize: 8, validationSplit: 0.2 };

/** Lengths and checksums as they should be; the contents of a file's records. */
function recordsOf(path: string): Uint8Array[] {
  const bytes = new Uint8Array(readFileSync(path));
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer).getUint32(at, true);
    const content = bytes.subarray(at + 12, at + 12 + length);
    expect(hex(bytes.subarray(at, at + 16 + length))).toBe(hex(record(content)));
    found.push(content);
    at += 16 + length;
  }
  return found;
}

/** Of all events of a folder but the times, in the order in which TensorBoard reads its files. */
function eventsIn(path: string): string[] {
  return readdirSync(path)
    .sort()
    .flatMap((name) => recordsOf(join(path, name)))
    .map((content) => hex(content.subarray(9)))
    .filter((text) => text !== hex(event(0, { fileVersion: "brain.Event:2" }).subarray(9)));
}

describe("tensorBoard in a training", () => {
  test("writes each epoch's figures, and the graph once", async () => {
    const logDir = join(folder, "plain");
    const model = await modelOf(layers());
    const { history } = await model.fit(data, { ...fit, callbacks: tensorBoard({ logDir }) });
    const rate = 0.001;
    const expected = (names: readonly string[]) => (epoch: number) =>
      hex(
        event(0, {
          step: epoch,
          summaries: names.map((name) =>
            scalar(`epoch_${name.replace("val_", "")}`, history[name]?.[epoch] ?? rate),
          ),
        }).subarray(9),
      );
    const [graph, ...train] = eventsIn(join(logDir, "train"));
    expect(Buffer.from(graph!, "hex").toString("latin1")).toMatch(
      /input[\s\S]*conv2d[\s\S]*flatten[\s\S]*dense/,
    );
    expect(train).toEqual([0, 1, 2].map(expected(["loss", "accuracy", "learning_rate"])));
    expect(eventsIn(join(logDir, "validation"))).toEqual(
      [0, 1, 2].map(expected(["val_loss", "val_accuracy"])),
    );
  });

  test.each([0, 7, 13])(
    "goes on from a state after %i steps to the same events, whatever was written since",
    async (stop) => {
      const options = { histogramFreq: 1, writeImages: true, updateFreq: "batch" } as const;
      const whole = join(folder, `whole ${stop}`);
      await (await modelOf(layers())).fit(data, {
        ...fit,
        callbacks: tensorBoard({ ...options, logDir: whole }),
      });
      const logDir = join(folder, `half ${stop}`);
      const callbacks = () => tensorBoard({ ...options, logDir });
      const first = (await modelOf(layers())).training(data, { ...fit, callbacks: callbacks() });
      for (let i = 0; i < stop; i++) await first.step();
      const initialState = first.state();
      await first.step();
      await first.step();
      // A second one from there, which comes to nothing either.
      const second = (await modelOf(layers())).training(data, {
        ...fit,
        callbacks: callbacks(),
        initialState,
      });
      if (stop > 0) await second.step();
      const other = join(logDir, "train", "events.out.tfevents.1.elsewhere.1.other.0.v2");
      writeFileSync(other, "of another training");
      await (await modelOf(layers())).fit(data, { ...fit, callbacks: callbacks(), initialState });
      expect(statSync(other).size).toBe(19);
      rmSync(other);
      for (const run of ["train", "validation"])
        expect(eventsIn(join(logDir, run))).toEqual(eventsIn(join(whole, run)));
    },
  );

  test("refuses options that are none", () => {
    expect(() => tensorBoard({ logdir: "x" } as never)).toThrow(
      /^tensorBoard: no option is called "logdir": did you mean logDir\?/,
    );
    expect(() => tensorBoard({ updateFreq: 0 })).toThrow(
      /^tensorBoard: updateFreq is 0, expected "epoch", "batch" or/,
    );
  });
});

/** A Python that has TensorBoard, if there is one. */
const PYTHON = findPython("tensorboard");

const READER = `
import json, sys
from tensorboard.backend.event_processing import plugin_event_multiplexer, event_accumulator
from tensorboard.util import tensor_util
multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance={}).AddRunsFromDirectory(sys.argv[1])
multiplexer.Reload()
out = {}
for run in multiplexer.Runs():
    accumulator = multiplexer.GetAccumulator(run)
    tags = {}
    for plugin in ("scalars", "histograms", "images"):
        try:
            names = accumulator.PluginTagToContent(plugin)
        except KeyError:
            continue
        for tag in names:
            events = [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
            if plugin == "scalars":
                tags[tag] = [(step, float(value)) for step, value in events]
            elif plugin == "histograms":
                tags[tag] = [(step, list(value.shape), float(value[:, 2].sum())) for step, value in events]
            else:
                tags[tag] = [(step, int(value[0]), int(value[1]), [v[1:4].decode() for v in value[2:]]) for step, value in events]
    graph = accumulator.Graph() if accumulator.Tags()["graph"] else None
    out[run] = {"tags": tags, "graph": [(n.name, n.op, list(n.input)) for n in graph.node] if graph else None}
print(json.dumps(out))
`;

test.skipIf(PYTHON === undefined)(
  "TensorBoard itself reads all of it (skipped where no Python has it: WASMGRAD_PYTHON names one)",
  async () => {
    const logDir = join(folder, "real");
    const callbacks = tensorBoard({
      logDir,
      histogramFreq: 2,
      writeImages: true,
      updateFreq: 3,
      writeStepsPerSecond: true,
    });
    const { history } = await (await modelOf(layers())).fit(data, { ...fit, callbacks });
    const { train, validation } = runPython(PYTHON!, READER, [logDir]);
    const near = (values: readonly number[]) => values.map((value, step) => [step, expect.closeTo(value, 5)]);
    expect(train.tags.epoch_loss).toEqual(near(history.loss));
    expect(validation.tags.epoch_accuracy).toEqual(near(history.val_accuracy!));
    expect(train.tags.epoch_learning_rate).toEqual(near([0.001, 0.001, 0.001]));
    expect(train.tags.epoch_steps_per_second.every(([, rate]: number[]) => rate! > 0)).toBe(true);
    expect(train.tags.batch_loss.map(([step]: number[]) => step)).toEqual([3, 6, 9, 12, 15]);
    expect(train.tags["dense/kernel/histogram"]).toEqual([
      [0, [30, 3], 96],
      [2, [30, 3], 96],
    ]);
    expect(train.tags["conv2d/kernel/image"]).toEqual(
      [0, 2].map((step) => [step, 3, 3, ["PNG", "PNG", "PNG"]]),
    );
    expect(train.graph).toEqual([
      ["input", "input", []],
      ["conv2d", "conv2d", ["input"]],
      ["flatten", "flatten", ["conv2d"]],
      ["dense", "dense", ["flatten"]],
    ]);
  },
);
