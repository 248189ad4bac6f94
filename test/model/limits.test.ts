import { afterEach, describe, expect, test, vi } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import { fuse } from "../../src/compiler/fuse.ts";
import { type Graph, GraphBuilder } from "../../src/compiler/graph.ts";
import { MAX_LAYERS } from "../../src/compiler/limits.ts";
import { IMPLEMENTATIONS } from "../../src/compiler/ops/index.ts";
import { Planner } from "../../src/compiler/planner.ts";
import { buildChain } from "../../src/model/build.ts";
import { activation, dense, dropout, type Layer, leakyRelu } from "../../src/model/layers/index.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";

afterEach(() => void vi.restoreAllMocks());

const first = () => dense({ units: 2, inputShape: [2] });
const chain = (length: number, layer: () => Layer) => [first(), ...Array.from({ length }, layer)];
const KINDS = {
  relu: () => activation({ activation: "relu" }),
  leakyRelu: () => leakyRelu(),
  dropout: () => dropout({ rate: 0.5 }),
  dense: () => dense({ units: 2, activation: "tanh" }),
};

/** A list that counts how often one of its items is looked at. */
function counted<T>(list: readonly T[]): { list: T[]; reads: () => number } {
  let reads = 0;
  const proxy = new Proxy(list as T[], {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key);
    },
  });
  return { list: proxy, reads: () => reads };
}

const pointers = { value: () => 0, gradient: () => 0, seed: [0, 0], step: 0 } as const;

/** How often fusing a graph and planning it looks at the ops of the graph. */
function opReads(graph: Graph, training: boolean): number {
  const given = counted(graph.ops);
  const fused = counted(fuse({ ...graph, ops: given.list }).ops);
  const whole = { ...graph, ops: fused.list };
  const planner = new Planner(whole, 1, training, pointers, IMPLEMENTATIONS);
  for (const op of whole.ops) planner.forward(op);
  return given.reads() + fused.reads();
}

describe("the work grows as the layers do", () => {
  const [few, many] = [200, 800];

  test.each(Object.entries(KINDS))("of fusing and planning a chain of %s", (_, layer) => {
    for (const training of [false, true]) {
      const reads = [few, many].map((n) => opReads(buildChain(chain(n, layer)).graph, training));
      expect(reads[1]! / reads[0]!).toBeLessThan(1.2 * (many / few));
    }
  });

  test("of naming layers", () => {
    const has = vi.spyOn(Set.prototype, "has");
    const lookups = [few, many].map((n) => {
      has.mockClear();
      buildChain(chain(n, KINDS.dense));
      return has.mock.calls.length;
    });
    expect(lookups[1]! / lookups[0]!).toBeLessThan(1.2 * (many / few));
  });

  test("of adding parameters", () => {
    const reads = [few, many].map((n) => {
      const builder = new GraphBuilder();
      const parameters = counted<never>([]);
      Object.assign(builder, { parameters: parameters.list });
      for (let i = 0; i < n; i++) builder.parameter(`p${i}`, [1], "zeros");
      expect(builder.parameters).toHaveLength(n);
      return parameters.reads();
    });
    expect(reads[1]! / Math.max(1, reads[0]!)).toBeLessThan(1.2 * (many / few));
  });
});

describe("names", () => {
  test("count on from the second layer of a type, past those that are taken", () => {
    const named = (name?: string) => activation({ activation: "relu", ...(name && { name }) });
    const layers = [first(), named(), named("activation_2"), named(), named(), named("dense_1"), first()];
    expect(buildChain(layers).rows.map(({ name }) => name)).toEqual([
      "dense",
      "activation",
      "activation_2",
      "activation_1",
      "activation_3",
      "dense_1",
      "dense_2",
    ]);
  });
});

describe(`more than ${MAX_LAYERS} layers`, () => {
  const refused = "a model of 10,001 layers, expected at most 10,000";

  test("make no model", () => {
    expect(() => buildChain(chain(MAX_LAYERS, KINDS.relu))).toThrow(ModelError);
    expect(() => buildChain(chain(MAX_LAYERS, KINDS.relu))).toThrow(refused);
    expect(buildChain(chain(MAX_LAYERS - 1, KINDS.relu)).rows).toHaveLength(MAX_LAYERS);
  });

  test("are refused before any of them is read", () => {
    // Each of them would be refused for its type.
    const layers = Array.from({ length: MAX_LAYERS + 1 }, () => ({ type: "lstm" }));
    expect(() => layersFromConfig({ layers })).toThrow(refused);
    expect(() => layersFromConfig({ layers: layers.slice(1) })).toThrow(/no layer type has that name/);
  });
});

test("a file with a fault an entry makes an error of one line, not of one a fault", () => {
  try {
    layersFromConfig({ layers: Array(1e5).fill(1) });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    expect((error as Error).message.length).toBeLessThan(1000);
  }
});
