import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";

const text = readFileSync(new URL("../../docs/extending.md", import.meta.url), "utf8");
const [mine, use] = Array.from(text.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code!) as [
  string,
  string,
];
const imports = /import (\{[^}]*\}) from "wasmgrad";/;

type Net = { net: api.Sequential; history: api.History; told: number[][] };
/** Runs the document's module, and its use in an async function. */
async function run(samples: api.Samples): Promise<Net> {
  const body = mine.replace(imports, "const $1 = api;").replaceAll("export const", "const");
  const code = `${body}; return (async () => {
    const { adam, dense, sequential } = api;
    const told = [], console = { log: (...figures) => told.push(figures) };
    ${use.replace("const net", "const net")}; return { net, history, told }; })();`;
  return new Function(
    "api",
    "samples",
    code.replace("const { adam, dense, sequential } = api;", "const { adam, sequential } = api;"),
  )(api, samples);
}

const COUNT = 48;
const images = Float32Array.from({ length: 4 * COUNT }, (_, i) => ((i * 7) % 11) / 11 - 0.5);
const targets = Float32Array.from({ length: 2 * COUNT }, (_, i) => {
  const row = images.subarray(4 * (i >> 1), 4 * (i >> 1) + 4);
  return i % 2 ? row[0]! - row[1]! + row[2]! * row[3]! : 2 * row[3]! + 0.5;
});
const samples: api.Samples = { images, shape: [4], count: COUNT, targets };

test("the code of docs/extending.md trains: own layer, loss, metric, schedule and callback", async () => {
  const { net, history, told } = await run(samples);
  const { loss, farOff, meanAbsoluteError } = history.history;
  expect(Object.keys(history.history)).toEqual(["loss", "farOff", "meanAbsoluteError"]);
  expect(loss).toHaveLength(25);
  expect(loss.at(-1)).toBeLessThan(loss[0]! / 4);
  expect(meanAbsoluteError!.at(-1)).toBeLessThan(meanAbsoluteError![0]! / 2);
  // Better is less: the first epoch with the least share.
  expect(history.bestEpoch).toBe(farOff!.indexOf(Math.min(...farOff!)));
  expect(told).toEqual(loss.map((value, i) => [i + 1, value, farOff![i]]));

  // What is reported is what the outputs give.
  const outputs = await net.predict(samples);
  const off = [...outputs].map((y, i) => Math.abs(y - targets[i]!));
  const evaluated = await net.evaluate(samples, { batchSize: 7 });
  expect(evaluated.farOff).toBe(off.filter((d) => d > 0.5).length / off.length);
  expect(evaluated.meanAbsoluteError).toBeCloseTo(off.reduce((a, b) => a + b) / off.length, 10);
  expect(evaluated.loss).toBeCloseTo(
    (2 * off.reduce((sum, d) => sum + (d * d) / (1 + d), 0)) / off.length,
    5,
  );

  const config = net.session.options.optimizer.config;
  expect(config.learningRate).toEqual({ name: "linearDecay", options: { first: 0.01, steps: 200 } });

  // Saved and loaded, and made again of plain data.
  const file = await api.saveModel(net);
  const { model } = await api.loadModel(file);
  await model.compile({ loss: "meanSquaredError", threads: 1 });
  expect(await model.predict(samples)).toEqual(outputs);
  expect(api.modelFromConfig(net.toConfig()).toConfig()).toEqual(net.toConfig());
  expect(net.toConfig().layers[1]).toEqual({
    type: "residual",
    name: "residual",
    hidden: 12,
    activation: "relu",
  });
  model.dispose();
  net.dispose();
});

test("options of an own layer are checked as all are", async () => {
  const twice = api.defineLayer({
    type: "twice",
    options: { units: api.kinds.needed(api.kinds.whole(), 3) },
    lower: (graph, name, inputs, { units }) => api.dense({ units }).lower(graph, name, inputs),
  });
  // @ts-expect-error misspelt
  expect(() => twice({ unit: 3 })).toThrow(
    new api.ModelError('twice: no option is called "unit": did you mean units? Write: twice({ units: 3 })'),
  );
  const config = { layers: [{ type: "twice", units: 0, inputShape: [2] }] };
  expect(() => api.modelFromConfig(config)).toThrow("units is 0, expected a whole number >= 1");
  expect(() => api.modelFromConfig({ layers: [{ type: "thrice", inputShape: [2] }] })).toThrow(
    /no layer type has that name.*/,
  );
  expect(() => api.modelFromConfig({ layers: [{ type: "xyzzy", inputShape: [2] }] })).toThrow(
    "one of your own is known once defineLayer() has run",
  );
  for (const type of ["dense", "conv2d"])
    expect(() => api.defineLayer({ type, lower: (_graph, _name, [input]) => input })).toThrow(
      `defineLayer: there is a layer type '${type}' already`,
    );
  expect(() =>
    api.defineLayer({ type: "named", options: { name: api.kinds.text }, lower: (_g, _n, [input]) => input }),
  ).toThrow("option 'name' of 'named' means something for all layers");
});
