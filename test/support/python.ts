import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OWN = fileURLToPath(new URL("../../.cache/python/bin/python", import.meta.url));

/** Python programs that have modules: $WASMGRAD_PYTHON, the one of scripts/counterparts.mjs, or the system's. */
export function findPython(...modules: string[]): string | undefined {
  return [process.env.WASMGRAD_PYTHON, existsSync(OWN) ? OWN : undefined, "python3"].find((python) => {
    // Whether they are there, without the seconds that loading them takes.
    const line = `import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ${JSON.stringify(modules)}))`;
    return python && spawnSync(python, ["-c", line], { stdio: "ignore" }).status === 0;
  });
}

/**
 * Runs a script in Python; gives what it prints, read as JSON. Throws with what it says where it fails.
 * @param args what sys.argv[1:] is
 */
// biome-ignore lint/suspicious/noExplicitAny: whatever the script prints
export function runPython(python: string, script: string, args: readonly string[] = []): any {
  const { status, stdout, stderr } = spawnSync(python, ["-c", script, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3", KERAS_BACKEND: "tensorflow", CUDA_VISIBLE_DEVICES: "" },
  });
  if (status !== 0) throw new Error(`Python failed (${status}):\n${stderr.slice(-4000)}`);
  const last = stdout.trim().split("\n").at(-1)!;
  return JSON.parse(last);
}
