import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

// A process of its own imports the built package: `npm test` builds it first.
const DIST = new URL("../../dist/index.js", import.meta.url);
const built = existsSync(DIST);

/** Runs a module in a new process; what it printed, and how it ended. */
async function run(source: string): Promise<{ output: string; code: number | null; milliseconds: number }> {
  const began = performance.now();
  const text = `import * as wasmgrad from ${JSON.stringify(DIST.href)};\n${source}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { output, code, milliseconds: performance.now() - began };
}

const TRAIN = `
const { dense, sequential } = wasmgrad;
const model = sequential([dense({ units: 8, inputShape: [4] }), dense({ units: 2, activation: "softmax" })]);
await model.compile({ threads: 4 });
const samples = { images: new Float32Array(80).fill(0.5), count: 20, shape: [4], labels: new Uint8Array(20) };
await model.fit(samples, { epochs: 3 });
`;

describe.skipIf(!built)("a process that trains (skipped where dist/ is not built: npm run build)", () => {
  test("ends by itself, disposed or not", async () => {
    for (const end of ["", "model.dispose();"]) {
      const { output, code } = await run(`${TRAIN}${end}\nconsole.log("done");`);
      expect(output).toBe("done\n");
      expect(code).toBe(0);
    }
  });

  test("does not keep a core busy when it is idle", async () => {
    const { output, code } = await run(`${TRAIN}
await new Promise((resolve) => setTimeout(resolve, 200));
const before = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, 400));
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000);`);
    expect(code).toBe(0);
    // Milliseconds of processor time in 400 of rest: three spinning threads would use 800 on two cores.
    expect(Number(output)).toBeLessThan(100);
  });

  test("ends with status 1 where training fails", async () => {
    const { output, code } = await run(`${TRAIN}
samples.images.fill(NaN);
await model.fit(samples);`);
    expect(code).toBe(1);
    expect(output).toContain("TrainingDivergedError: the loss became NaN in epoch 1, batch 1");
  });
});
