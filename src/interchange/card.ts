import { type Preprocessing, TO_UNIT } from "../compiler/preprocessing.ts";
import { counted } from "../options/counted.ts";
import { isObject } from "../options/kinds.ts";
import { sha256, weightsHash } from "../safetensors/integrity.ts";
import { buildModel } from "../train/functional.ts";
import type { Port } from "../train/samples.ts";
import { FORMATS, formatNamed } from "./formats.ts";
import type { CardOptions, FormatName } from "./options.ts";
import type { PortableModel } from "./portable.ts";
import { specifier } from "./specifier.ts";
import { pythonName } from "./torch/names.ts";

const HEAD = "---\nlibrary_name: wasmgrad\n";
/** A card's last line, which shows on no page: the SHA-256 of what is above. */
const SEAL = /<!-- written by wasmgrad, SHA-256 of the above: ([0-9a-f]{64}) -->\n$/;

const sealed = (text: string) =>
  `${text}<!-- written by wasmgrad, SHA-256 of the above: ${hashOf(text)} -->\n`;
const hashOf = (text: string) => sha256(new TextEncoder().encode(text));

/** What the text of a README.md is: a card as it was written, one that was edited since, or none. Git may have changed its ends of lines. */
export function cardState(text: string): "written" | "edited" | "none" {
  const lines = text.replaceAll("\r\n", "\n");
  if (!lines.startsWith(HEAD)) return "none";
  const seal = SEAL.exec(lines);
  return seal && hashOf(lines.slice(0, seal.index)) === seal[1] ? "written" : "edited";
}

const inKeras = (file: string, { shape }: Port) => `\`\`\`python
import keras
import numpy as np

model = keras.saving.load_model(${quote(file)})
answers = model.predict(np.zeros((1, ${shape.join(", ")}), "float32"))
\`\`\``;

/** How each format is loaded, in the language of those who do. */
const USES: Readonly<Record<FormatName, (file: string, port: Port) => string>> = {
  wasmgrad: (file) => `\`\`\`js
import { readFile } from "node:fs/promises";
import { loadModel } from "wasmgrad";

const { model } = await loadModel(await readFile(${quote(file)}));
await model.compile();
const answers = await model.predict({ images, shape: model.inputShape, count: 1 });
\`\`\``,
  keras: inKeras,
  h5: inKeras,
  "h5-weights": (file) => `\`\`\`python
model.load_weights(${quote(file)})  # a Keras model of the same layers
\`\`\``,
  tfjs: (_, { shape }) => `\`\`\`js
import * as tf from "@tensorflow/tfjs";

const model = await tf.loadLayersModel("model.json");
const answers = model.predict(tf.zeros([1, ${shape.join(", ")}])); // floats
\`\`\``,
  npz: (file) => `\`\`\`python
import numpy as np

weights = np.load(${quote(file)})  # weights["conv2d/kernel"] is of shape (height, width, channels, filters)
\`\`\``,
  pytorch: (file, { shape }) => `\`\`\`python
import torch
from ${pythonName(file.replace(/\.\w+$/, ""))} import load

model = load()
answers = model(torch.zeros(1, ${[shape.at(-1), ...shape.slice(0, -1)].join(", ")}))  # floats, channels first
\`\`\``,
  onnx: (file, { shape }) => `\`\`\`python
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(${quote(file)})
x = np.zeros((1, ${shape.join(", ")}), np.float32)
answers = session.run(None, {session.get_inputs()[0].name: x})
\`\`\``,
  js: (file) => `\`\`\`js
import { classNames, predict } from ${specifier(file)};

const answers = await predict(pixels); // bytes or floats
\`\`\``,
};

const quote = (text: string) => JSON.stringify(text);
/** In a table, and in a line of its own: names say what they say, and are no markup. */
const plain = (text: unknown) => {
  const line = String(text).replaceAll(/[\r\n]+/g, " ");
  return HASH.test(line) ? line : line.replaceAll(/[\\`*[\]<>|~]|\b_|_\b|&(?=#?\w+;)/g, "\\$&");
};
const HASH = /^`[0-9a-f]+`$/;
/** In a code span. */
const code = (text: string) => `\`${text.replaceAll(/[\r\n`]+/g, " ")}\``;

/**
 * A model card: what the model takes and gives, what it was trained on and how, its figures, and how it is loaded. As text in
 * Markdown, with the head that model hubs read.
 */
export function cardOf(model: PortableModel, { format, file, run, version }: CardOptions): string {
  const { config, metadata, tensors } = model;
  const built = buildModel(config, undefined);
  const { classNames, preprocessing = TO_UNIT, targets } = metadata;
  const record = isObject(run) ? run : {};
  const settings = isObject(record.configuration) ? record.configuration : {};
  const sizes = (ports: readonly Port[]) => ports.map(({ name, shape }) => `${name}: ${shape.join(" x ")}`);
  const facts: [string, unknown][] = [
    ["takes", sizes(built.inputs).join(", ")],
    ["gives", sizes(built.outputs).join(", ")],
    [
      "classes",
      classNames &&
        `${classNames.length}: ${classNames.slice(0, 20).join(", ")}${classNames.length > 20 ? ", …" : ""}`,
    ],
    ["layers", built.rows.length],
    ["parameters", built.countParams().toLocaleString("en-US")],
    ["weights, SHA-256", `\`${weightsHash(tensors)}\``],
  ];
  const training: [string, unknown][] = [
    ["data", record.dataset ?? metadata.dataset],
    [
      "images",
      isObject(record.images) &&
        Object.entries(record.images)
          .map(([part, n]) => `${Number(n).toLocaleString("en-US")} ${part}`)
          .join(", "),
    ],
    ["epochs", record.epochsCompleted],
    ["batch size", record.batchSize],
    ["loss", nameOf(settings.loss ?? metadata.loss)],
    ["optimizer", nameOf(settings.optimizer)],
    ["seed", record.seed],
    ["wasmgrad", version && `version ${version}`],
    ["trained", typeof record.endedAt === "string" && record.endedAt.slice(0, 10)],
  ];
  const figures = isObject(record.test)
    ? Object.entries(record.test).filter(([, value]) => Number.isFinite(value))
    : [];
  return sealed(`${HEAD}tags: [${[...new Set(["wasmgrad", format, ...(classNames ? ["image-classification"] : [])])].join(", ")}]
---
# ${plain(config.name ?? "model")}

${table("model", facts)}

A byte of a picture, 0 to 255, becomes ${scaled(preprocessing)}${format === "js" ? ", which `predict()` does" : " before it comes to the model"}.${
    (record.dataset ?? metadata.dataset) === undefined &&
    preprocessing.scale === TO_UNIT.scale &&
    preprocessing.offset === TO_UNIT.offset
      ? " That is what is taken where a file does not say: a model of another framework may have learned on other numbers."
      : ""
  }${
    targets === "masks"
      ? " It gives a class for each pixel."
      : targets === "images"
        ? " It gives images."
        : ""
  }

## Training

${table("training", training) || "Not known: the model came from a file that does not say."}
${
  figures.length > 0
    ? `\n${table(
        "on test images",
        figures.map(([name, value]) => [
          name,
          name === "accuracy"
            ? `${(100 * Number(value)).toFixed(2)} %`
            : Number(Number(value).toPrecision(5)),
        ]),
      )}\n`
    : ""
}
## Loading it

${formatNamed(format).title}, ${code(file)}:

${USES[format](file, built.inputs[0]!)}

For others it is written by \`npx wasmgrad convert\`, from a run's folder, or from \`model.safetensors\`: ${FORMATS.filter(
    (other) => other.writer && other.name !== format,
  )
    .map(
      ({ written, endings, name, title }) =>
        `\`${written === undefined ? endings[0] : `${written} --to ${name}`}\` (${title})`,
    )
    .join(", ")}.

## Layers

${table(
  "layer",
  built.rows.map(({ name, type, outputShape, parameters }) => [
    `${name} (${type})`,
    `${outputShape.join(" x ")}${parameters > 0 ? `, ${counted(parameters, "parameter")}` : ""}`,
  ]),
)}
`);
}

/** byte / 127.5 - 1 */
function scaled({ scale, offset }: Preprocessing): string {
  const whole = Number((1 / scale).toPrecision(12));
  const times = Math.fround(1 / whole) === Math.fround(scale) ? `/ ${whole}` : `* ${scale}`;
  return `byte ${times}${offset === 0 ? "" : ` ${offset < 0 ? "-" : "+"} ${Math.abs(offset)}`}`;
}

/** A name, of plain data with options too. */
function nameOf(value: unknown): unknown {
  if (typeof value === "string" || value === undefined) return value;
  if (!isObject(value)) return JSON.stringify(value);
  const { name, ...options } = value;
  const told = Object.entries(options).map(
    ([key, option]) => `${key} ${typeof option === "object" ? JSON.stringify(option) : option}`,
  );
  return `${name ?? ""}${told.length > 0 ? ` (${told.join(", ")})` : ""}`;
}

function table(head: string, rows: readonly (readonly [string, unknown])[]): string {
  const known = rows.filter(
    ([, value]) => value !== undefined && value !== false && value !== null && value !== "",
  );
  if (known.length === 0) return "";
  return [
    `| ${head} | |`,
    "|---|---|",
    ...known.map(([name, value]) => `| ${plain(name)} | ${plain(value)} |`),
  ].join("\n");
}
