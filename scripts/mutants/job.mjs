// A copy of the project in which one mutant after another is tried.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mutated } from "./enumerate.mjs";

/** Runs a command in its own process group, which ends whole when the time is up. */
function run(command, args, cwd, seconds) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data) => {
        text = (text + data).slice(-20_000);
      });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, "SIGKILL");
    }, 1000 * seconds);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, late, text });
    });
  });
}

/** Seconds that a stage may take where it has not been tried without a mutant. */
const LONGEST = 300;

export class Job {
  #folder = mkdtempSync(join(tmpdir(), "wasmgrad-mutants-"));
  #source = process.cwd();
  #limits = new Map();

  constructor() {
    const tracked = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0").filter(Boolean);
    for (const file of tracked) cpSync(file, join(this.#folder, file), { recursive: true });
    for (const folder of ["build", "dist"]) cpSync(folder, join(this.#folder, folder), { recursive: true });
    symlinkSync(join(this.#source, "node_modules"), join(this.#folder, "node_modules"));
  }

  /** Tests must pass without a mutant; how long they take bounds how long they may take with one. */
  async check(group) {
    const builds = [group.build, group.emit].filter(Boolean);
    for (const [command, args] of builds) {
      const { status, text } = await run(command, args, this.#folder, 600);
      if (status !== 0) throw new Error(`${[command, ...args].join(" ")} fails without a mutant:\n${text}`);
    }
    for (const stage of group.stages) {
      const began = performance.now();
      const { status, text } = await this.#test(stage, 1200);
      if (status !== 0) throw new Error(`${stage.join(" ")} fails without a mutant:\n${text}`);
      this.#limits.set(stage, 60 + (8 * (performance.now() - began)) / 1000);
    }
  }

  /** @returns {Promise<"killed" | "timeout" | "survived" | "invalid">} */
  async try(group, mutant) {
    const path = join(this.#folder, mutant.file);
    const original = readFileSync(path);
    writeFileSync(path, mutated(mutant));
    const restore = () => writeFileSync(path, original);
    try {
      if (group.build) {
        const { status } = await run(...group.build, this.#folder, 300);
        if (status !== 0) return "invalid";
      }
      if (group.emit) await run(...group.emit, this.#folder, 300);
      for (const stage of group.stages) {
        const { status, late } = await this.#test(stage, this.#limits.get(stage) ?? LONGEST);
        if (late) return "timeout";
        if (status !== 0) return "killed";
      }
      return "survived";
    } finally {
      restore();
    }
  }

  #test(stage, seconds) {
    const args = ["vitest", "run", "--project", "node", "--bail", "1", "--maxWorkers", "1", ...stage];
    return run("npx", args, this.#folder, seconds);
  }

  end() {
    if (dirname(this.#folder) === tmpdir()) rmSync(this.#folder, { recursive: true, force: true });
  }
}
