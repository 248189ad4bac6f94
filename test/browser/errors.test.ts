import { expect, test } from "vitest";
import { fromPlain, toPlain } from "../../src/browser/errors.ts";
import { unspoken } from "../../src/browser/host/unspoken.ts";
import { inWords } from "../../src/browser/in-words.ts";
import { ModelError } from "../../src/compiler/errors.ts";
import { DataError } from "../../src/data/errors.ts";
import { MemoryError } from "../../src/engine/memory-error.ts";
import { engineWords } from "../../src/engine/words.ts";
import { NonFiniteError, TrainingDivergedError } from "../../src/train/errors.ts";
import { SamplesError } from "../../src/train/samples.ts";
import { trainWords } from "../../src/train/words.ts";

const errors = [
  new ModelError("units is 0", "dense_1"),
  new ModelError("the model has no parameters"),
  new SamplesError("got no samples"),
  new TrainingDivergedError(Number.POSITIVE_INFINITY, 2, 7),
  new NonFiniteError("range", "the output for sample 0 is not finite"),
  new DataError("checksum", "the SHA-256 is another"),
  new MemoryError("the model takes 2 GiB", "allow more", { allow: 2 }),
  new RangeError("batchSize is 0"),
  new TypeError("metric 'f1' is unknown"),
  new Error("a kernel thread failed"),
  new WebAssembly.RuntimeError("unreachable"),
  new DOMException("no more", "AbortError"),
];

test.each(errors)("%s crosses the worker's border as it is", (error) => {
  const crossed = fromPlain(structuredClone(toPlain(error)));
  // What browsers alone know, and what has no class of its own here, keeps its name.
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof DOMException))
    expect(crossed.constructor).toBe(error.constructor);
  expect(crossed).toBeInstanceOf(Error);
  expect({ ...crossed, name: crossed.name, message: crossed.message, stack: crossed.stack }).toEqual({
    ...error,
    name: error.name,
    message: error.message,
    stack: error.stack,
  });
});

test("what a worker leaves unspoken of a field is said, too", () => {
  const error = new MemoryError(unspoken.noMoreThan!(1024), unspoken.endOthers!());
  expect(fromPlain(toPlain(error))).toMatchObject({
    problem: "no more than 1 KiB",
    message: "no more than 1 KiB: end other programs that take memory",
  });
});

test("what is no error becomes one", () => {
  expect(fromPlain(toPlain("just text")).message).toBe("just text");
});

test("what a worker leaves unspoken is said on the page: also within other texts, and within what was unspoken itself", () => {
  const given = unspoken.threadFailed!(`one\n${unspoken.numberNotFinite!("input", 3, 4, "NaN")} two`);
  const said = engineWords.threadFailed(`one\n${trainWords.numberNotFinite("input", 3, 4, "NaN")} two`);
  expect(inWords(`before ${given}, ${unspoken.endOthers!()} after`)).toBe(
    `before ${said}, ${engineWords.endOthers()} after`,
  );
  expect(inWords("nothing unspoken")).toBe("nothing unspoken");
});
