// What became of mutants in earlier runs. An outcome holds for the text that was mutated and the tests that looked at it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** SHA-256 of files' names and contents, below a folder that is a project's root. */
function hashOf(root, files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return hash.digest("hex");
}

/** Hash of the file that a mutant is of, and of all tests: tracked files, as they lie there now. */
export function stateOf(root = process.cwd()) {
  const tracked = execFileSync("git", ["ls-files", "-z", "test"], { cwd: root, encoding: "utf8" });
  const tests = hashOf(
    root,
    tracked.split("\0").filter((file) => file && existsSync(join(root, file))),
  );
  const sources = new Map();
  return ({ file }) => {
    if (!sources.has(file)) sources.set(file, hashOf(root, [file]));
    return { source: sources.get(file), tests };
  };
}

const keyOf = ({ file, first, last, replacement, source, tests }) =>
  JSON.stringify([file, first, last, replacement, source, tests]);

/** Outcomes by mutant: `get({ ...mutant, ...state })`. Those of another file or of other tests are not found. */
export function outcomesIn(lines) {
  const known = new Map(lines.map((line) => JSON.parse(line)).map((entry) => [keyOf(entry), entry]));
  return { get: (mutant) => known.get(keyOf(mutant)) };
}
