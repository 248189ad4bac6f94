// Installs Bun and Deno from the package registry, as scripts/runtimes pins them, for the tests of the same bits, and
// prints where they are. What is there already is kept.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("runtimes/", import.meta.url));
/** By runtime: the scope that holds one package for each platform, and where the binary lies in it. */
const PLACES = { bun: ["@oven", "bin/bun"], deno: ["@deno", "deno"] };

/**
 * Where a runtime is: $WASMGRAD_BUN, $WASMGRAD_DENO, or where this script put it. The platform's own package holds the
 * binary; the package of the runtime's name only links to it in an install script, and is not needed.
 * @param {keyof typeof PLACES} name
 * @returns {string | undefined}
 */
export function findRuntime(name) {
  const [scope, binary] = PLACES[name];
  const named = process.env[`WASMGRAD_${name.toUpperCase()}`];
  if (named) return named;
  const packages = join(folder, "node_modules", scope);
  if (!existsSync(packages)) return undefined;
  const suffix = process.platform === "win32" ? ".exe" : "";
  const paths = readdirSync(packages).map((platform) => join(packages, platform, binary + suffix));
  return paths.find((path) => existsSync(path));
}

/** @param {keyof typeof PLACES} name */
function versionOf(name) {
  const path = findRuntime(name);
  if (!path) return undefined;
  // "1.4.5" says Bun, "deno 2.9.6 (stable, ...)" Deno.
  return /\d+\.\d+\.\d+/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[0];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const wrong = () => Object.keys(PLACES).filter((name) => versionOf(name) !== dependencies[name]);
  if (wrong().length > 0)
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
  const [name] = wrong();
  if (name) throw new Error(`${name} is ${versionOf(name) ?? "not there"}, expected ${dependencies[name]}`);
  for (const known of Object.keys(PLACES))
    console.log(`${known} ${dependencies[known]}: ${findRuntime(known)}`);
}
