import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";

const text = readFileSync(new URL("../../docs/models.md", import.meta.url), "utf8");
const blocks = (language: string) =>
  Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms")), ([, code]) => code!);

/** Runs a block of the document as a module that imports the package; gives what its names stand for then. */
function run(code: string, names: readonly string[]): Record<string, never> {
  const body = code.replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;");
  return new Function("api", "console", `${body}; return { ${names.join(", ")} };`)(api, { log() {} });
}

test("the code of docs/models.md makes the models that it shows", () => {
  const [chain, , graph, , , optimizer] = blocks("js") as [string, string, string, string, string, string];
  const { model } = run(chain, ["model"]) as unknown as { model: api.Sequential };
  expect(model.outputShape).toEqual([10]);
  const { net } = run(graph, ["net"]) as unknown as { net: api.Model };
  expect(net.rows.filter(({ type }) => type === "batchNormalization")).toHaveLength(3);
  expect(net.rows.find(({ type }) => type === "add")!.from).toEqual(["batchNormalization_2", "activation"]);
  const made = run(optimizer, ["optimizer"]) as unknown as { optimizer: api.Optimizer };
  expect(made.optimizer.config.excludeFromWeightDecay).toEqual(["bias", "gamma", "beta"]);
});

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

test("its model that is adapted to samples has their statistics", async () => {
  const body = blocks("js")[1]!.replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;");
  const { train, model } = await new AsyncFunction("api", `${body}; return { train, model };`)(api);
  expect(model.outputShape).toEqual([10]);
  expect(model.toConfig().layers[0]).toMatchObject(api.adapt(train));
});

test("its model of two inputs and two outputs trains", async () => {
  const code = blocks("js")[3]!;
  const body = code.replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;");
  const { history, kinds, angles } = await new AsyncFunction(
    "api",
    `${body}; return { history, kinds, angles };`,
  )(api);
  for (const name of ["loss", "kind_loss", "angle_loss", "kind_accuracy", "val_loss"])
    expect(history[name]).toHaveLength(2);
  expect([kinds.length, angles.length]).toEqual([40, 20]);
});

test("its plain data is a model's", () => {
  const [json] = blocks("json") as [string];
  const model = api.modelFromConfig(JSON.parse(json));
  expect(model.outputShape).toEqual([10]);
  expect(model.rows.map(({ name }) => name)).toEqual(["image", "conv", "both", "flat", "classes"]);
  expect(api.modelFromConfig(model.toConfig()).toConfig()).toEqual(model.toConfig());
});

test("its named model is there", () => {
  const [, name, shape, classes] = /createModel\("(\w+)", (\[.*?\]), (\d+)\)/.exec(text)!;
  const { graph, rows } = api.createModel(name!, JSON.parse(shape!), Number(classes));
  expect(graph.outputs[0]!.shape).toEqual([10]);
  expect(rows.reduce((sum, row) => sum + row.trained, 0)).toBe(272_474);
});
