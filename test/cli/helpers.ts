import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { encodeIdxImages, encodeIdxLabels, type ImageSet } from "../../src/data/index.ts";

/** What `npm run build` makes of src/cli/index.ts. */
export const CLI = fileURLToPath(new URL("../../dist/cli/index.js", import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Running {
  readonly process: ChildProcess;
  /** Resolves once stdout holds the text; rejects if the process ends before. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<Finished>;
}

const folders: string[] = [];
// Here: within a test or another hook nothing would come of it.
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A folder that is gone after the test file. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-cli-"));
  folders.push(folder);
  return folder;
}

/** The command line as a process that sees neither the user's cache nor the user's datasets. */
export function start(args: readonly string[], { cwd, env }: RunOptions = {}): Running {
  return watch(spawn(process.execPath, [CLI, ...args], { cwd, env: cleanEnv(env) }));
}

export function wasmgrad(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(args, options).ended;
}

/** A line of bash in which "$NODE" "$CLI" is the command line, for pipes and redirections. */
export function shell(line: string, { cwd, env }: RunOptions = {}): Promise<Finished> {
  const variables = { NODE: process.execPath, CLI, ...env };
  return watch(spawn("bash", ["-o", "pipefail", "-c", line], { cwd, env: cleanEnv(variables) })).ended;
}

function cleanEnv(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, TMPDIR } = process.env;
  const home = join(tmpdir(), "wasmgrad-cli-no-home");
  return { PATH, TMPDIR, HOME: home, XDG_CACHE_HOME: join(home, "cache"), ...env };
}

function watch(child: ChildProcess): Running {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!stdout.includes(text)) return;
        child.stdout!.off("data", look);
        resolve();
      };
      child.stdout!.on("data", look);
      look();
      ended.then(() => reject(new Error(`ended without printing '${text}':\n${stdout}\n${stderr}`)), reject);
    });
  return { process: child, printed, ended };
}

/** Images of 8x8 in three classes: a bright bar at the top, in the middle or at the bottom, with some grain. */
export function bars(count: number, channels = 1): ImageSet {
  const images = new Uint8Array(count * 64 * channels);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const label = i % 3;
    labels[i] = label;
    for (let p = 0; p < 64 * channels; p++) {
      const row = Math.floor(p / channels / 8);
      const lit = row >= 3 * label && row < 3 * label + 2;
      images[i * 64 * channels + p] = (lit ? 200 : 0) + ((i * 37 + p * 11) % 50);
    }
  }
  return { images, labels, count, shape: [8, 8, channels] };
}

export interface FolderOptions {
  readonly train?: number;
  readonly test?: number;
  readonly channels?: number;
  readonly classNames?: readonly string[];
}

/** Writes a dataset of such images, and returns its folder. */
export async function writeBars(folder: string, options: FolderOptions = {}): Promise<string> {
  const { train = 120, test = 30, channels = 1, classNames = ["top", "middle", "bottom"] } = options;
  await mkdir(folder, { recursive: true });
  const sets = { train: bars(train, channels), t10k: bars(test, channels) };
  for (const [stem, set] of Object.entries(sets)) {
    await writeFile(join(folder, `${stem}-images-idx${channels === 1 ? 3 : 4}-ubyte`), encodeIdxImages(set));
    await writeFile(join(folder, `${stem}-labels-idx1-ubyte`), encodeIdxLabels(set.labels));
  }
  await writeFile(join(folder, "classes.txt"), classNames.join("\n"));
  return folder;
}

/** A model file of one small convolution, which learns the bars within an epoch or two. */
export async function writeModel(path: string, layers?: readonly object[]): Promise<string> {
  const own = [
    { type: "conv2d", filters: 4, kernelSize: 3, strides: 2, activation: "relu" },
    { type: "flatten" },
    { type: "dense", units: 3, activation: "softmax" },
  ];
  await writeFile(path, JSON.stringify({ layers: layers ?? own }));
  return path;
}

/** The document that --json puts on stdout; fails unless stdout is exactly one. */
// biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
export function json({ stdout }: Finished): any {
  return JSON.parse(stdout);
}
