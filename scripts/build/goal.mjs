import { BuildError, bringUpToDate } from "./run.mjs";
import { GOALS, root, targets } from "./targets.mjs";

/** Brings what a word of GOALS stands for up to date; says on stderr what it builds. A failure ends the process. */
export async function buildOrExit(goal) {
  try {
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
