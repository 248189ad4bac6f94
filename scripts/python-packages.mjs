import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const venv = join(root, ".cache/python");

/** The project's own Python. */
export const python = join(venv, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** @param {string} command @param {readonly string[]} args */
function run(command, args) {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"], cwd: root });
}

/**
 * Installs what a requirements.txt of the project lists into .cache/python, from the package index, where it is not there already.
 * Throws where that fails.
 * @param {string} name names the list: a change of it installs anew
 * @param {string} requirements the file
 */
export function installPython(name, requirements) {
  const mark = join(venv, `${name}.txt`);
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return;
  mkdirSync(join(root, ".cache"), { recursive: true });
  if (!existsSync(python)) run("python3", ["-m", "venv", venv]);
  // PyTorch without CUDA, of a tenth of the size, where the index has it.
  const light = join(venv, "light.txt");
  writeFileSync(light, wanted.replace(/^(torch==\S+)$/m, "$1+cpu"));
  const install = ["-m", "pip", "install", "-q", "--retries", "0", "--disable-pip-version-check", "-r"];
  if (spawnSync(python, [...install, light], { stdio: ["ignore", "ignore", "ignore"] }).status !== 0)
    run(python, [...install, requirements]);
  writeFileSync(mark, wanted);
}
