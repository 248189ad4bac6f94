// Builds the targets that are not up to date, those first that they need.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fingerprint, finish, Hashes, isFresh, STATE } from "./freshness.mjs";
import { isAlive, withLock } from "./lock.mjs";

/** A target whose command failed; it has printed why. */
export class BuildError extends Error {
  name = "BuildError";
}

/**
 * Brings targets up to date. Costs nothing but a look at the files where they are.
 * @param {object} options
 * @param {string} options.root
 * @param {readonly import("./freshness.mjs").Target[]} options.targets all that there are
 * @param {readonly string[]} options.goals names of those wanted
 * @param {(line: string) => void} options.say told what is built, a line each
 * @returns {Promise<string[]>} names of the targets that were built
 * @throws {BuildError}
 */
export async function bringUpToDate({ root, targets, goals, say }) {
  const wanted = withNeeds(targets, goals);
  const quick = new Hashes(root);
  if (wanted.every((target) => isFresh(root, target, quick))) return [];
  return withLock(
    join(root, STATE, "lock"),
    () => say("Waiting for another build ..."),
    () => buildAll(root, wanted, say),
  );
}

/** The goals and all that they need, in an order in which they can be built. */
function withNeeds(targets, goals) {
  const ordered = new Set();
  const add = (name) => {
    const target = targets.find((candidate) => candidate.name === name);
    if (!target) throw new BuildError(`no target '${name}': expected one of ${targets.map((t) => t.name)}`);
    for (const need of target.needs ?? []) add(need);
    ordered.add(target);
  };
  for (const goal of goals) add(goal);
  return [...ordered];
}

async function buildAll(root, wanted, say) {
  sweep(root);
  const hashes = new Hashes(root);
  const built = [];
  const runs = new Map();
  const room = new Room(availableParallelism());
  let failed = false;
  for (const target of wanted)
    runs.set(
      target.name,
      (async () => {
        await Promise.all((target.needs ?? []).map((need) => runs.get(need)));
        if (isFresh(root, target, hashes)) return;
        await room.enter();
        try {
          // What others were spared by a failure is not begun.
          if (failed) return;
          if (!target.quiet) say(`Building ${target.label} ...`);
          await build(root, target, hashes);
          built.push(target.name);
        } catch (error) {
          failed = true;
          throw error;
        } finally {
          room.leave();
        }
      })(),
    );
  const results = await Promise.allSettled(runs.values());
  const first = results.find(({ status }) => status === "rejected");
  if (first) throw first.reason;
  return built;
}

async function build(root, target, hashes) {
  const key = fingerprint(root, target, hashes);
  const staging = join(root, STATE, `${target.name}.${process.pid}`);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  try {
    const [command, args] = target.build(staging);
    await run(root, command, args, target.label);
    finish(root, target, staging, hashes, key);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function run(root, command, args, label) {
  return new Promise((resolve, reject) => {
    // What a tool prints goes to stderr: stdout is the command's that is run after.
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
    child.on("error", (error) => reject(new BuildError(`building ${label} failed: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new BuildError(`building ${label} failed${signal ? ` (${signal})` : ""}`));
    });
  });
}

/** Removes what builds left that were killed. */
function sweep(root) {
  for (const name of readdirSync(join(root, STATE))) {
    const [, pid] = /\.(\d+)(\.tmp)?$/.exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) rmSync(join(root, STATE, name), { recursive: true, force: true });
  }
}

/** So many at a time. */
class Room {
  #free;
  #waiting = [];

  constructor(places) {
    this.#free = places;
  }

  enter() {
    if (this.#free-- > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave() {
    this.#free++;
    this.#waiting.shift()?.();
  }
}
