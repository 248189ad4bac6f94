// Lists every mutant that StrykerJS's instrumenter would make of a file: where it lies and what stands there then.
import { readFileSync } from "node:fs";
import { commonTokens } from "@stryker-mutator/api/plugin";
import { createInstrumenter } from "@stryker-mutator/instrumenter";
import { createInjector } from "typed-inject";

const quiet = () => {};
const logger = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  ...Object.fromEntries(["trace", "debug", "info", "warn", "error", "fatal"].map((level) => [level, quiet])),
};
const instrumenter = createInjector()
  .provideValue(commonTokens.options, {})
  .provideValue(commonTokens.fileDescriptions, {})
  .provideValue(commonTokens.getLogger, () => logger)
  .provideValue(commonTokens.logger, logger)
  .injectFunction(createInstrumenter);

/** Texts of messages are no logic, and tests that hold each word of them would hold nothing else. */
const EXCLUDED = new Set(["StringLiteral", "Regex"]);

/** AssemblyScript's decorators stand where TypeScript has none: blanked out, so that all places stay. */
const parsable = (source) => source.replace(/^@\w+(\([^)]*\))?/gm, (text) => " ".repeat(text.length));

/** @returns {Promise<{file: string, first: number, last: number, line: number, mutator: string, replacement: string}[]>} */
export async function mutantsOf(file) {
  const source = readFileSync(file, "utf8");
  const starts = [0];
  for (let i = 0; i < source.length; i++) if (source[i] === "\n") starts.push(i + 1);
  const offset = ({ line, column }) => starts[line] + column;
  const { mutants } = await instrumenter.instrument(
    [{ name: file, content: parsable(source), mutate: true }],
    { plugins: null, excludedMutations: [], ignorers: [], mutationRange: [], noHeader: true },
  );
  const counted = mutants.filter(({ mutatorName }) => !EXCLUDED.has(mutatorName));
  return counted.map(({ location, replacement, mutatorName }) => ({
    file,
    first: offset(location.start),
    last: offset(location.end),
    line: location.start.line + 1,
    mutator: mutatorName,
    replacement,
  }));
}

/** The file's text with the mutant in it. */
export function mutated({ file, first, last, replacement }) {
  const source = readFileSync(file, "utf8");
  return source.slice(0, first) + replacement + source.slice(last);
}
