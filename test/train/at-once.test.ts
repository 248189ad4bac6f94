import { describe, expect, test, vi } from "vitest";
import { GraphBuilder } from "../../src/compiler/graph.ts";
import { createModel } from "../../src/node.ts";
import { atOnce } from "../../src/train/at-once.ts";
import type { Session } from "../../src/train/session.ts";
import { fixtureValues } from "../support/fixture-values.ts";

/** A graph with one op that reads and writes so many bytes of an image, on so many threads. */
function sessionOf(bytes: number, threads = 1): Pick<Session, "graph" | "engine"> {
  const builder = new GraphBuilder();
  const numbers = bytes / 8;
  const output = builder.op("reshape", "a", [builder.input([numbers])], {}, [numbers]);
  return { graph: builder.build([output]), engine: { threads } as Session["engine"] };
}

describe("images that predict() computes at once", () => {
  const kib = (count: number) => count * 1024;
  test.each([
    ["all, where they are small", kib(16), 1, 100, 100],
    ["all of few, however large", kib(100_000), 1, 8, 8],
    ["as many as caches hold", kib(128), 1, 64, 32],
    ["a divisor near that", kib(128), 1, 100, 25],
    ["as many, where there is none", kib(128), 1, 97, 32],
    ["eight of large ones", kib(100_000), 1, 64, 8],
    ["two for each thread", kib(100_000), 6, 24, 12],
  ])("%s", (_, bytes, threads, batch, expected) => {
    expect(atOnce(sessionOf(bytes, threads), batch)).toBe(expected);
  });

  test("whose answers are those of one by one", async () => {
    const shape = [48, 48, 3];
    const model = createModel("resnet8", shape, 4);
    await model.compile({ threads: 1, seed: 1 });
    expect(atOnce(model.session, 27)).toBeLessThan(27);
    const images = fixtureValues(27 * 48 * 48 * 3, 3, 1);
    const asked = (batchSize: number) => model.predict({ images, shape, count: 27 }, { batchSize });
    const plan = vi.spyOn(model.session, "plan");
    const answers = await asked(27);
    expect(new Set(plan.mock.calls.map(([{ batch }]) => batch))).toEqual(new Set([9]));
    expect(answers).toEqual(await asked(1));
    model.dispose();
  });
});
