// What the scripts of benchmarks share.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { machineCpuSeconds } from "./peers/machine.mjs";

const execute = promisify(execFile);

/** Runs a script: options that are wrong end it with 2, all else that fails with 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    console.error(error.stderr || error.message);
    process.exitCode = error instanceof RangeError || error.code?.startsWith?.("ERR_PARSE_ARGS") ? 2 : 1;
  }
}

/**
 * Makes numbers of options of these names, in place, and gives them. Throws RangeError on what is no whole number of at least 1, of
 * `fractions` on what is no number above 0.
 */
export function takeNumbers(values, names, fractions = []) {
  for (const name of [...names, ...fractions]) {
    const value = Number(values[name]);
    const whole = names.includes(name);
    if (!(whole ? Number.isSafeInteger(value) && value >= 1 : value > 0 && value < Infinity))
      throw new RangeError(
        `--${name} is '${values[name]}', expected a ${whole ? "whole number from 1" : "number above 0"}`,
      );
    values[name] = value;
  }
  return values;
}

/**
 * Runs `[name, run]` in turns, forwards in one round and backwards in the next; with `wanted` behind them, only where that says so. Each gives `{ speeds, parameters }`; of all the
 * `samples`, `{ [name]: number[] }`, and how many parameters they have, which must be as many. `what` tells of each turn.
 */
export async function inTurns(runs, rounds, what = "") {
  const samples = {};
  const answers = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, run, wanted] of round % 2 ? runs.toReversed() : runs) {
      if (wanted && !wanted()) continue;
      console.error(`round ${round + 1} of ${rounds}: ${what}${name}`);
      const answer = await run();
      answers.push(answer);
      for (const [key, value] of Object.entries(answer.speeds))
        samples[key] = [...(samples[key] ?? []), value];
    }
  }
  const parameters = [...new Set(answers.flatMap((answer) => answer.parameters ?? []))];
  if (parameters.length === 0)
    throw new Error(`${what}none of ${runs.map(([name]) => name).join(", ")} could`);
  if (parameters.length > 1)
    throw new Error(`${what}they have ${parameters.join(" and ")} parameters, expected as many`);
  return { samples, parameters: parameters[0], version: answers.find(({ version }) => version)?.version };
}

/** What a process says as JSON in its last line; `env` beside this one's. */
export async function answerOf(command, args, env = {}) {
  const { stdout } = await execute(command, args.map(String), { env: { ...process.env, ...env } });
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** Makes a list of an option, in place. Throws RangeError unless each is one of those that there are. */
export function chosenOf(values, name, known) {
  const list = [...new Set(values[name].split(","))];
  const odd = list.find((item) => !known.includes(item));
  if (odd !== undefined)
    throw new RangeError(`--${name} has '${odd}', expected of ${known.join(", ")}, with commas between`);
  values[name] = list;
}

/** The same of whole numbers from 1, each once unless they may be `repeated`. */
export function wholesOf(values, name, repeated = false) {
  const all = values[name].split(",").map(Number);
  const list = repeated ? all : [...new Set(all)];
  if (!list.every((n) => Number.isSafeInteger(n) && n >= 1))
    throw new RangeError(`--${name} is '${values[name]}', expected whole numbers from 1, such as 1,2`);
  values[name] = list;
}

/** Cores that others kept busy in half a second. */
export async function disturbance() {
  const before = machineCpuSeconds();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return (machineCpuSeconds() - before) / 0.5;
}
