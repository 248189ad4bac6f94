import { readFileSync } from "node:fs";
import { cpus, release, type } from "node:os";

/** Version of this package. package.json lies at the same depth from src/cli/ and from dist/cli/. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** What a run ran on and with, for its record. */
export function machine() {
  const { node, v8 } = process.versions;
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    os: `${type()} ${release()} ${process.arch}`,
    runtimes: { node, v8: v8.split("-")[0]!, wasmgrad: packageVersion() },
  };
}
