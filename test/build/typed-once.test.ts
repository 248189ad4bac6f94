import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { expect, onTestFinished, test } from "vitest";

// What kernels and host must agree on is typed in assembly/ alone: where it is changed there, and nowhere else, the generator
// and a build make a project that trains to the same weights. A copy of a number in src/ would train to others, or not at all.

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Text in a file of assembly/, and what takes its place. */
type Change = readonly [file: string, from: string | RegExp, to: string];

/** Where numbers lie, how much of a thing is done at once, how much scratch is asked for: no sum is another. */
const ELSEWHERE: readonly Change[] = [
  ["batchnorm.ts", "NORM_CHANNELS: i32 = 16;", "NORM_CHANNELS: i32 = 8;"],
  ["batchnorm.ts", "return 5 * 4 * <usize>C;", "return 5 * 4 * <usize>C + 64;"],
  ["batchnorm.ts", "return 16 * <usize>C * <usize>tasks;", "return 16 * <usize>C * <usize>tasks + 128;"],
  ["convpool-backward.ts", "LIST_CHANNELS: i32 = 8;", "LIST_CHANNELS: i32 = 12;"],
  // Lists begin 8 bytes later, between entries of 16 bytes more each.
  ["convpool-args.ts", "return 8 * <usize>n;", "return 8 * <usize>n + 16;"],
  [
    "gemm.ts",
    "return <usize>4 * <usize>KC * <usize>cols;",
    "return <usize>4 * <usize>KC * <usize>cols + 192;",
  ],
  ["random.ts", "DRAW_SCRATCH: i32 = 4 * DRAWS;", "DRAW_SCRATCH: i32 = 8 * DRAWS;"],
  ["winograd.ts", "return 4 * <usize>n * <usize>C + 64;", "return 4 * <usize>n * <usize>C + 320;"],
  // Structs that both sides read.
  [
    "program.ts",
    /( {2}kernel: i32;.*\n)( {2}args: usize;.*\n)( {2}tasks: i32;.*\n)/,
    "  unused1: i64;\n$3$2$1",
  ],
  ["parallel.ts", /( {2}claimed: i32;.*\n)( {2}done: i32;.*\n)/, "  unused: i64;\n$2$1"],
  [
    "parallel.ts",
    /( {2}program: usize;.*\n)( {2}counters: usize;.*\n)( {2}first: i32;.*\n)/,
    "  unused4: i64;\n$3$2$1",
  ],
  [
    "optimizer.ts",
    /( {2}learningRate: f64;\n)( {2}beta1: f64;\n)( {2}beta2: f64;\n)( {2}step: u32;.*\n)/,
    "$4$3$2$1",
  ],
  // Arguments, kernels, kinds.
  ["gemm.ts", /( {2}M: i32;\n)( {2}N: i32;\n)( {2}K: i32;.*\n)/, "$3$1$2"],
  ["convpool-args.ts", /( {2}y: usize;.*\n)( {2}argmax: usize;.*\n)( {2}x: usize;.*\n)/, "$3$2$1"],
  // One more in front of all others: each gets another number.
  [
    "activation.ts",
    /$/,
    "\n@unmanaged\nexport class NoArgs {\n  n: i32;\n}\n\nexport function nothing(s: NoArgs, task: i32, scratch: usize): void {\n}\n",
  ],
  ["activation.ts", /SIGMOID = 3;([\s\S]*)TANH = 4;/, "SIGMOID = 4;$1TANH = 3;"],
];

/** How many numbers are added up before they join the others: last bits differ. */
const ROUNDED: readonly Change[] = [
  // Between parameters: the norm of their gradients is summed in pieces of the vector that holds them all.
  ["tile.ts", "ALIGNMENT: i32 = PANEL_ROW;", "ALIGNMENT: i32 = 2 * PANEL_ROW;"],
  ["gemm.ts", "KC: i32 = 256;", "KC: i32 = 48;"],
  ["batchnorm.ts", "NORM_BLOCK: i32 = 256;", "NORM_BLOCK: i32 = 64;"],
  ["conv2d.ts", "SHORT_RUN: i32 = 16;", "SHORT_RUN: i32 = 40;"],
];

/** Direct, short, fused and Winograd's convolutions, normalization, dropout, clipping, two threads. Prints all weights, of Adam's and of plain steps. */
const TRAINING = `
import { activation, adam, batchNormalization, conv2d, dense, dropout, flatten, maxPooling2d, sequential, sgd } from "./index.mjs";
const layers = () => [
  conv2d({ filters: 8, kernelSize: 3, activation: "relu", inputShape: [20, 20, 1] }),
  conv2d({ filters: 12, kernelSize: 3, padding: "same", activation: "tanh" }),
  conv2d({ filters: 20, kernelSize: 3, activation: "relu" }),
  maxPooling2d(),
  conv2d({ filters: 6, kernelSize: 2, padding: "same", strides: 2 }),
  batchNormalization(),
  activation({ activation: "sigmoid" }),
  flatten(),
  dropout({ rate: 0.2 }),
  dense({ units: 70, activation: "relu" }),
  dense({ units: 4, activation: "softmax" }),
];
const count = 150;
const labels = Uint8Array.from({ length: count }, (_, i) => (i * 7) % 4);
const images = Uint8Array.from({ length: count * 400 }, (_, i) => {
  const [at, image] = [i % 400, Math.floor(i / 400)];
  const bright = Math.floor((at % 20) / 10) + 2 * Math.floor(at / 200) === labels[image];
  return (Math.imul(i + 1, 0x9e3779b1) >>> 24) % 90 + (bright ? 160 : 0);
});
const runs = [];
for (const optimizer of [adam({ globalClipNorm: 1 }), sgd({ learningRate: 0.01, momentum: 0.9, globalClipNorm: 1 })]) {
  const model = sequential(layers());
  await model.compile({ optimizer, seed: 3, backend: "scalar", threads: 2 });
  await model.fit({ images, labels, count, shape: [20, 20, 1] }, { epochs: 2, batchSize: 50 });
  runs.push(model.getWeights().flatMap(({ data }) => [...data]));
  model.dispose();
}
console.log(JSON.stringify(runs));
`;

/** The weights of both runs that a project trains to in which assembly/ was changed so, and nothing else by hand. */
async function trained(changes: readonly Change[]): Promise<[adam: number[], sgd: number[]]> {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-typed-once-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of ["assembly", "scripts", "src", "asconfig.json", "package.json"])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const [file, from, to] of changes) {
    const path = join(folder, "assembly", file);
    const text = readFileSync(path, "utf8");
    const changed = text.replace(from, to);
    expect(changed, `${file}: ${from}`).not.toBe(text);
    writeFileSync(path, changed);
  }
  execFileSync(process.execPath, ["scripts/build-wasm.mjs", "scalar"], { cwd: folder });
  // As deep as the module that looks for build/.
  const out = join(folder, "dist/engine/platform");
  await esbuild.build({
    absWorkingDir: folder,
    entryPoints: ["src/node.ts"],
    outfile: join(out, "index.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    // What a one-file predictor holds, which nothing writes here.
    external: ["../../../build/*"],
    alias: { "#platform": "./src/engine/platform/node.ts", "#interchange": "./src/interchange/files.ts" },
  });
  writeFileSync(join(out, "training.mjs"), TRAINING);
  return JSON.parse(execFileSync(process.execPath, [join(out, "training.mjs")], { encoding: "utf8" }));
}

test.skipIf(process.env.WASMGRAD_TESTS !== "all")(
  "what is changed in assembly/ alone trains to the same weights (in test:all)",
  { timeout: 300_000 },
  async () => {
    const whole = await trained([]);
    expect(whole[0].length).toBeGreaterThan(5000);
    expect(await trained(ELSEWHERE)).toEqual(whole);
    const [, rounded] = await trained(ROUNDED);
    expect(rounded).not.toEqual(whole[1]);
    // Adam would turn the error of a gradient that is next to nothing into a step.
    expect(Math.max(...rounded.map((w, i) => Math.abs(w - whole[1][i]!)))).toBeLessThan(1e-5);
  },
);
