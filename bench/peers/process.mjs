import { execFile, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { machineCpuSeconds } from "./machine.mjs";
import { PARAMETERS } from "./seed-cnn.mjs";

/** Milliseconds after which a peer is given up. */
const LIMIT = 300_000;
const HERE = fileURLToPath(new URL(".", import.meta.url));
const execute = promisify(execFile);

/**
 * Runs one peer in a process of its own. Resolves, always, to
 * `{ version?, parameters, training, inference, others }`, training and inference each `{ [configuration]: result }`
 * or `{ reason }`; or to `{ reason }` alone where nothing could be measured.
 * `others`: how many cores other processes kept busy meanwhile.
 */
export async function runPeer(peer, job) {
  const busy = machineCpuSeconds();
  const began = performance.now();
  const answer = await (peer.python ? runPython(peer, job) : runNode(peer, job));
  const seconds = (performance.now() - began) / 1000;
  const own = answer.cpuSeconds ?? 0;
  return { ...answer, others: Math.max(0, (machineCpuSeconds() - busy - own) / seconds) };
}

/** Where scripts/node24.mjs puts a newer Node than this one may be. */
const NODE24 = fileURLToPath(new URL("../../.cache/node24/node_modules/node/bin/node", import.meta.url));

async function runNode({ adapter, variant, node24 }, job) {
  if (node24 && !existsSync(NODE24))
    return { reason: "no Node 24 here (node scripts/node24.mjs installs one)" };
  const answer = await new Promise((resolve) => {
    const child = fork(`${HERE}child.mjs`, [JSON.stringify({ ...job, adapter, variant })], {
      cwd: HERE,
      execPath: node24 ? NODE24 : process.execPath,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let errors = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, LIMIT);
    child.stderr.on("data", (chunk) => {
      errors = (errors + chunk).slice(-4000);
    });
    child.on("message", resolve);
    child.on("error", (error) => resolve({ reason: error.message }));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        reason: timedOut ? tooLong() : `ended with ${signal ?? `status ${code}`}: ${essence(errors)}`,
      });
    });
  });
  if (answer.reason) return answer;
  const { training, inference } = answer;
  return { ...answer, training: named(training, "batch 32"), inference: named(inference, "batch 100") };
}

function named(result, configuration) {
  return result.reason ? result : { [configuration]: result };
}

async function runPython({ python }, { python: path, file, images, seconds, runs, threads }) {
  const command = path ?? (await pythonWithTorch());
  if (!command)
    return {
      reason: "no Python with torch here (Debian: apt-get install python3-torch libopenblas0-pthread)",
    };
  // A configuration gets a quarter of the time: there are four.
  const limits = ["--threads", threads, "--runs", runs, "--seconds", seconds / 4];
  const script = [`${HERE}${python}`, "--file", file, "--count", images, ...limits].map(String);
  try {
    const { stdout } = await execute(command, script, { timeout: LIMIT, killSignal: "SIGKILL" });
    const answer = JSON.parse(stdout);
    if (answer.parameters !== PARAMETERS)
      return { reason: `built a net of ${answer.parameters} parameters, expected ${PARAMETERS}` };
    for (const result of Object.values(answer.training))
      if (!result.reason && !(result.lossLast < result.lossFirst))
        result.reason = `does not learn: loss ${result.lossFirst} at first, ${result.lossLast} at last`;
    return answer;
  } catch (error) {
    return { reason: error.killed ? tooLong() : essence(error.stderr || error.message) };
  }
}

async function pythonWithTorch() {
  for (const command of ["/usr/bin/python3", "python3"])
    try {
      await execute(command, ["-c", "import torch, numpy"], { timeout: 60_000 });
      return command;
    } catch {}
  return undefined;
}

function tooLong() {
  return `took longer than ${LIMIT / 1000} s`;
}

/** The line of an error's text that says what went wrong. */
function essence(text) {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? "no message";
}
