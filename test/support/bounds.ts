import { vi } from "vitest";
import { Tensor } from "../../src/compiler/tensor.ts";
import { Engine, type Program } from "../../src/engine/engine.ts";
import type { Layer } from "../../src/model/layers/index.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Session, SessionOptions } from "../../src/train/session.ts";
import { sessionOf } from "./sessions.ts";

/** Bytes behind the scratch that are watched, too. */
const GUARD = 1 << 16;

type Range = readonly [first: number, last: number];

const CANARY = 0xa5;

/** A session that ends with the test, and the ranges of persistent memory that it allocated. */
async function watchedSession(...args: Parameters<typeof sessionOf>): Promise<[Session, Range[]]> {
  const allocated: Range[] = [];
  const original = Engine.prototype.allocate;
  const spy = vi.spyOn(Engine.prototype, "allocate").mockImplementation(function (this: Engine, bytes) {
    const pointer = original.call(this, bytes);
    allocated.push([pointer, pointer + bytes]);
    return pointer;
  });
  try {
    return [await sessionOf(...args), allocated];
  } finally {
    spy.mockRestore();
  }
}

/** The places where two ranges of memory differ; most of them do not, and are passed over by pages. */
function changes(before: Uint8Array, after: Uint8Array): number[] {
  const places: number[] = [];
  const PAGE = 256;
  for (let page = 0; page < before.length; page += PAGE) {
    const [a, b] = [before, after].map((bytes) =>
      Buffer.from(bytes.buffer, bytes.byteOffset + page, Math.min(PAGE, bytes.length - page)),
    );
    if (a!.equals(b!)) continue;
    for (let k = 0; k < a!.length; k++) if (a![k] !== b![k]) places.push(page + k);
  }
  return places;
}

/**
 * Runs the calls of one step over all samples one by one, on one thread, and names each call that changed a byte
 * which was not its own: outside of the tensors and parameters among its arguments, or past the scratch that the
 * plan asked for it.
 */
export async function strayWrites(
  layers: readonly Layer[],
  mode: "train" | "evaluate" | "predict",
  samples: Samples,
  options: Partial<SessionOptions> = {},
): Promise<string[]> {
  const [session, allocated] = await watchedSession(layers, options);
  const { engine } = session;
  const indices = Uint32Array.from({ length: samples.count }, (_, i) => i);
  const { plan } = session.load(mode, samples, indices);
  const { calls } = plan.planner;
  session.optimizer.beginStep();

  let program: Program | undefined;
  const spy = vi.spyOn(engine, "run").mockImplementation((given) => {
    program = given;
  });
  plan.run();
  spy.mockRestore();
  const { scratch, scratchBytes } = program!;
  const end = scratch + scratchBytes + GUARD;
  engine.reserveArena(end - engine.reserveArena(0));

  const first = Math.min(...allocated.map(([from]) => from));
  const parameters = [...session.weights(), ...session.gradients()].map(
    ({ data }): Range => [data.byteOffset, data.byteOffset + data.byteLength],
  );
  const stray: string[] = [];
  for (const [i, { kernel, args, scratch: asked }] of calls.entries()) {
    engine.u8(scratch, end - scratch).fill(CANARY);
    const before = engine.u8(first, end - first).slice();
    plan.run(i, i + 1);
    const changed = changes(before, engine.u8(first, end - first));
    // The optimizer takes vectors whole, gaps included; ops take parameters one by one.
    const persistent = plan.calls[i]!.phase === "update" ? allocated : parameters;
    const own: Range[] = [[scratch, scratch + asked]];
    for (const arg of Object.values(args))
      if (arg instanceof Tensor) own.push([plan.pointer(arg), plan.pointer(arg) + arg.bytes]);
      else own.push(...persistent.filter(([from, to]) => arg >= from && arg < to));
    const at = changed.find((k) => !own.some(([from, to]) => first + k >= from && first + k < to));
    if (at === undefined) continue;
    const beyond = first + at - scratch;
    stray.push(
      `call ${i}, ${kernel}, writes byte ${beyond >= 0 ? `${beyond} of its scratch of ${asked}` : `${first + at}, none of its own`}`,
    );
  }
  return stray;
}
