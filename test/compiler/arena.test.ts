import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { assignOffsets, type Block } from "../../src/compiler/arena.ts";
import { MODELS } from "../../src/model/models.ts";
import { adam } from "../../src/optim/index.ts";
import { createModel } from "../../src/train/named.ts";
import { sessionOf } from "../support/sessions.ts";

/** The blocks of the plans that a test compiles. */
const seen: Block[][] = [];
vi.mock("../../src/compiler/arena.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/compiler/arena.ts")>();
  return {
    assignOffsets: (blocks: readonly Block[]) => {
      seen.push([...blocks]);
      return original.assignOffsets(blocks);
    },
  };
});
beforeEach(() => {
  seen.length = 0;
});

/** Kernels may read one cache line past a tensor's end. */
const GUARD = 64;

function expectApart(blocks: readonly Block[], total: number): void {
  for (const [i, a] of blocks.entries()) {
    expect(a.offset % 64).toBe(0);
    expect(a.offset).toBeGreaterThanOrEqual(0);
    expect(a.offset + a.bytes + GUARD).toBeLessThanOrEqual(total);
    for (const b of blocks.slice(i + 1)) {
      const together = a.first <= b.last && b.first <= a.last;
      const apart = a.offset + a.bytes + GUARD <= b.offset || b.offset + b.bytes + GUARD <= a.offset;
      if (together && !apart) throw new Error(`${JSON.stringify(a)} overlaps ${JSON.stringify(b)}`);
    }
  }
}

/** Most bytes alive at any one call: no arena can be smaller. */
function leastBytes(blocks: readonly Block[]): number {
  return Math.max(
    0,
    ...blocks.map(({ first }) =>
      blocks.reduce((sum, b) => sum + (b.first <= first && first <= b.last ? b.bytes : 0), 0),
    ),
  );
}

const block = fc
  .tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: -1, max: 30 }), fc.integer({ min: 0, max: 12 }))
  .map(([bytes, first, length]): Block => ({ bytes, first, last: first + length, offset: -1 }));
const forever = block.map((b): Block => ({ ...b, last: Number.POSITIVE_INFINITY }));
const blocks = fc.array(fc.oneof({ weight: 9, arbitrary: block }, forever), { maxLength: 40 });

describe("assignOffsets", () => {
  test("never overlaps blocks that live at the same time", () => {
    fc.assert(
      fc.property(blocks, (list) => expectApart(list, assignOffsets(list))),
      { numRuns: 500 },
    );
  });

  test("depends on the blocks alone", () => {
    fc.assert(
      fc.property(blocks, (list) => {
        const again = structuredClone(list);
        expect(assignOffsets(again)).toBe(assignOffsets(list));
        expect(again).toEqual(list);
      }),
      { numRuns: 100 },
    );
  });

  test("is close to the least possible, on average", () => {
    let [used, least] = [0, 0];
    for (const list of fc.sample(blocks, { numRuns: 300, seed: 1 })) {
      used += assignOffsets(list);
      least += leastBytes(list.map((b) => ({ ...b, bytes: Math.ceil(b.bytes / 64) * 64 + GUARD })));
    }
    expect(used / least).toBeLessThan(1.1);
  });

  test("blocks that follow one another share a place", () => {
    const chain = Array.from(
      { length: 10 },
      (_, i): Block => ({ bytes: 1000, first: i, last: i + 1, offset: -1 }),
    );
    expect(assignOffsets(chain)).toBe(2 * (1024 + GUARD));
    expect(assignOffsets([])).toBe(0);
  });
});

describe.each(Object.keys(MODELS))("plans of %s", (name) => {
  test.each(["train", "evaluate", "predict"] as const)("%s", async (mode) => {
    const session = await sessionOf(createModel(name, [28, 28, 1], 10), { optimizer: adam({ clipNorm: 1 }) });
    for (const batch of [1, 32]) {
      seen.length = 0;
      const { plan } = session.plan({ batch, mode, inputs: ["bytes"], targets: ["labels"] });
      const [list] = seen as [Block[]];
      expect(list.length).toBeGreaterThan(3);
      expectApart(list, plan.arenaBytes);
      const total = Math.max(...list.map(({ offset, bytes }) => offset + bytes));
      expect(total).toBeLessThan(1.15 * leastBytes(list) + 2 * GUARD * list.length);
    }
  });
});
