import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeSafetensors } from "../../src/node.ts";
import { json, shell, tempFolder, wasmgrad, writeBars } from "./helpers.ts";

let work: string;
beforeAll(async () => {
  work = await tempFolder();
});

/** A model file that takes images of this height and width. */
async function hostile(name: string, height: number, width = height): Promise<string> {
  const layers = [
    { type: "globalAveragePooling2d", inputShape: [height, width, 1] },
    { type: "dense", units: 3, activation: "softmax" },
  ];
  const file = encodeSafetensors(
    [
      { name: "dense/kernel", shape: [1, 3], data: new Float32Array(3) },
      { name: "dense/bias", shape: [3], data: new Float32Array(3) },
    ],
    { format: "wasmgrad", formatVersion: "1", architecture: JSON.stringify({ layers }), dataset: '"digits"' },
  );
  const path = join(work, `${name}.safetensors`);
  await writeFile(path, file);
  return path;
}

describe("a model file of a few hundred bytes that wants the earth", () => {
  test("is refused by every command that reads it, with what it would take", async () => {
    const picture = join(work, "picture.png");
    await writeFile(picture, encode({ width: 9, height: 9, channels: 1, data: new Uint8Array(81) }));
    const model = await hostile("huge", 1e8);
    for (const command of [["summary"], ["evaluate"], ["predict"]]) {
      const args = [...command, model, ...(command[0] === "predict" ? [picture] : [])];
      const done = await wasmgrad([...args, "--json"]);
      expect(done.status).toBe(1);
      expect(json(done).error).toMatchObject({ name: "MemoryError" });
      expect(done.stderr).toContain(
        "the model, for one image, takes 4.0e+16 bytes of memory, more than the 1 GiB",
      );
    }
    const wide = await wasmgrad(["predict", await hostile("wide", 1, 1e8), picture]);
    expect(wide).toMatchObject({ status: 1, stdout: "" });
    expect(wide.stderr).toMatch(
      /inputs of shape \(1, 100000000, 1\); pictures are made of 1 to 32,768 pixels/,
    );
  });

  test("is taken where so much is allowed", async () => {
    const model = await hostile("large", 20_000);
    const refused = await wasmgrad(["summary", model]);
    expect(refused.stderr).toMatch(/takes 1\.5 GiB of memory.*or allow more: --max-memory 1\.5GB$/m);
    expect((await wasmgrad(["summary", model, "--max-memory", "1.5GB"])).status).toBe(0);
    const file = join(work, "large.json");
    await writeFile(
      file,
      JSON.stringify({
        layers: [
          { type: "flatten", inputShape: [20_000, 20_000, 1] },
          { type: "dense", units: 1 },
        ],
      }),
    );
    for (const command of ["summary", "profile"]) {
      const done = await wasmgrad([command, "--model", file]);
      expect(done).toMatchObject({ status: 1, stdout: "" });
      expect(done.stderr).toMatch(/allow more: --max-memory \d(\.\d+)?GB$/m);
    }
  });
});

test("a batch that takes more than is allowed ends train and profile with the flag to add", async () => {
  const data = await writeBars(join(work, "bars"), { train: 400 });
  for (const args of [
    ["train", "--dataset", data, "--model", "mlp", "--out", join(work, "run"), "--validation-split", "0"],
    ["profile", "--model", "mlp", "--input-shape", "8x8x1"],
  ]) {
    const more = ["--batch-size", "400", "--threads", "1", "--max-memory", "1MB"];
    const done = await wasmgrad([...args, ...more]);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(
      /takes \d+(\.\d+)? MiB of memory, more than the 1 MiB that it may have: use a smaller batch or model, or allow more: --max-memory 0\.25GB$/m,
    );
  }
});

describe.skipIf(process.platform !== "linux")("under ulimit -v", () => {
  const quick = "profile --model mlp --input-shape 8x8x1 --batch-size 2 --repetitions 2 --inference";
  /** KiB of addresses that a Node process with a WebAssembly memory has taken. */
  const used = `$("$NODE" -e 'new WebAssembly.Memory({ initial: 1, maximum: 32768, shared: true }); console.log(/VmSize:\\s+(\\d+)/.exec(require("fs").readFileSync("/proc/self/status", "utf8"))[1])')`;

  test("less than a WebAssembly memory reserves is answered with what helps", async () => {
    for (const command of [quick, `train --digits-count 20 --epochs 1 --out ${join(work, "no-addresses")}`]) {
      const done = await shell(`ulimit -v 6000000; "$NODE" "$CLI" ${command} --threads 1`);
      expect(done.status).toBe(1);
      expect(done.stderr).toMatch(
        /^wasmgrad: the system refuses a WebAssembly memory its addresses: .*ulimit -v unlimited.*NODE_OPTIONS=--disable-wasm-trap-handler.*\n$/,
      );
    }
    const done = await shell(`ulimit -v 6000000; "$NODE" "$CLI" ${quick} --threads 1`, {
      env: { NODE_OPTIONS: "--disable-wasm-trap-handler" },
    });
    expect(done).toMatchObject({ status: 0, stderr: "" });
  });

  test("threads that V8 could not start, and would end the process over, are not started", async () => {
    const done = await shell(
      `limit=${used}; ulimit -v $((limit + 2500000)); "$NODE" "$CLI" ${quick} --threads 64`,
    );
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(
      /^wasmgrad: 63 more threads would not fit into the address space .*: use threads: [123] \(--threads [123]\), or raise the limit .*\n$/,
    );
    const enough = await shell(
      `limit=${used}; ulimit -v $((limit + 2500000)); "$NODE" "$CLI" ${quick} --threads 2`,
    );
    expect(enough).toMatchObject({ status: 0, stderr: "" });
  });
});
