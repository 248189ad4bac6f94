import { BuildError, bringUpToDate } from "./run.mjs";

/** Brings what a word of GOALS stands for up to date; says on stderr what it builds. A failure ends the process. */
export async function buildOrExit(goal) {
  try {
    // Here, as it looks at what is installed.
    const { GOALS, root, targets } = await import("./targets.mjs");
    if (!Object.hasOwn(GOALS, goal))
      throw new BuildError(`nothing is called '${goal}': expected one of ${Object.keys(GOALS).join(", ")}`);
    const say = (line) => process.stderr.write(`${line}\n`);
    await bringUpToDate({ root, targets, goals: GOALS[goal], say });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
