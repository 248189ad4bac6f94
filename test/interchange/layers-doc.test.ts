import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { LAYERS } from "../../src/model/layers/index.ts";
import { ACTIVATIONS } from "../../src/model/layers/layer.ts";
import { exportModel, type FormatName, type Model, modelFromConfig } from "../../src/node.ts";

// docs/interchange-layers.md is what the writers make of each layer: `npx vitest run test/interchange/layers-doc.test.ts -u` writes it anew.

const HEAD = `# What each layer becomes

One line a layer, as \`exportModel()\` writes it with its default options (a needed option has some value): classes of Keras's files (\`.keras\`, \`.h5\`) and
of TensorFlow.js's, operators of ONNX, code of PyTorch, in which \`a\` and \`b\` are what the layer takes and \`y\` is what it gives. Transpositions, by which ONNX has channels first, are left out: between
layers they cancel each other. \`channels_last()\` and \`channels_first()\` of PyTorch's modules are \`permute()\`s. The same classes and operators, and more
of them, are read: [interchange.md](interchange.md), which also says how predictions agree.

A layer of one's own (\`defineLayer()\`) has no form in any of them, and is refused by name.

`;
const TABLE = (first: string) =>
  `| ${first} | Keras | TensorFlow.js | ONNX | PyTorch |\n|---|---|---|---|---|\n`;
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
/** Of the nets below: their inputs, and the other branch, which learns. */
const BESIDE = ["a", "b", "c", "head"];

/** A net of a layer by itself, named y. Beside it a dense layer learns, as there must be something to train. */
function netOf(type: string, given: object = {}): Model {
  const { options } = LAYERS[type as keyof typeof LAYERS] as {
    options: Record<string, { needed?: true; example?: unknown }>;
  };
  const needed = Object.entries(options).filter(([, kind]) => kind.needed);
  const several = ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"].includes(
    type,
  );
  const inputs = several ? ["a", "b"] : ["a"];
  const shape = type.endsWith("1d") ? [32, 32] : [32, 32, 32];
  return modelFromConfig({
    inputs: [...inputs, "c"],
    outputs: ["y", "head"],
    layers: [
      ...inputs.map((name) => ({ type: "input", name, shape })),
      { type: "input", name: "c", shape: [2] },
      {
        type,
        name: "y",
        from: inputs,
        ...Object.fromEntries(needed.map(([key, { example }]) => [key, example])),
        ...given,
      },
      { type: "dense", name: "head", units: 1, from: ["c"] },
    ],
  });
}

/** What a format has for the layer y. */
const FOUND: Readonly<Record<string, (files: Record<string, Uint8Array>) => string>> = {
  keras: (files) => classesOf(JSON.parse(text(unzipSync(files["m.keras"]!)["config.json"])).config),
  tfjs: (files) => classesOf(JSON.parse(text(files["model.json"])).modelTopology.model_config.config),
  onnx: (files) => {
    const nodes = [...new Set(text(files["m.onnx"]).match(/(?<=y\/)[A-Z][A-Za-z]+(_\d+)?/g))];
    return nodes
      .map((name) => name.replace(/_\d+$/, ""))
      .filter((name) => name !== "Transpose")
      .join(", ");
  },
  pytorch: (files) =>
    text(files["m.py"])
      .split(/^class Net\(/m)[1]!
      .split("def load_weights")[0]!
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => /^(self\.)?y = /.test(line))
      .map((line) => `\`${line.replace(/^y = /, "")}\``)
      .join(", "),
};

const classesOf = ({
  layers,
}: {
  layers: { name?: string; class_name: string; config: { name: string; activation?: string } }[];
}) =>
  layers
    .filter(({ name, config }) => !BESIDE.includes(name ?? config.name))
    .map(({ class_name, config: { activation } }) =>
      class_name === "Activation" && activation !== undefined && activation !== "linear"
        ? `Activation("${activation}")`
        : class_name,
    )
    .join(", ");

async function cellOf(model: Model, format: FormatName): Promise<string> {
  try {
    return (
      FOUND[format]!((await exportModel(model, { format, name: "m" })) as Record<string, Uint8Array>) ||
      "nothing"
    );
  } catch (error) {
    const nearest = /\(nearest: (.*)\)$/.exec((error as Error).message)?.[1];
    if (nearest === undefined) throw error;
    return `none; nearest: ${nearest}`;
  }
}

/** What each format has for a layer, as the cells of a table's row behind the first. */
async function cellsOf(type: string, given?: object): Promise<string> {
  const model = netOf(type, given);
  await model.compile({ threads: 1, loss: ["meanSquaredError", "meanSquaredError"] });
  const cells = [];
  for (const format of Object.keys(FOUND)) cells.push(await cellOf(model, format as FormatName));
  model.dispose();
  return cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ");
}

test("docs/interchange-layers.md says of every layer, and of every activation, what it becomes", async () => {
  const types = Object.keys(LAYERS).filter((type) => type !== "input");
  const layers = [];
  for (const type of types.sort()) layers.push(`| \`${type}\` | ${await cellsOf(type)} |\n`);
  const activations = [];
  for (const activation of ACTIVATIONS)
    activations.push(`| \`${activation}\` | ${await cellsOf("activation", { activation })} |\n`);
  await expect(
    `${HEAD}${TABLE("layer")}${layers.join("")}\nActivations, of \`activation()\` and of the layers that have one:\n\n${TABLE("activation")}${activations.join("")}`,
  ).toMatchFileSnapshot("../../docs/interchange-layers.md");
});
