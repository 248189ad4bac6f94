// Installs, from the package registries, the real readers and writers of the formats that models go to and come from, as
// test/counterparts pins them: npm packages, and a Python environment in .cache/python. What is there already is kept.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "test/counterparts");
const venv = join(root, ".cache/python");
const python = join(venv, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
const requirements = join(folder, "requirements.txt");
/** Names what was installed: a change of the requirements installs anew. */
const mark = join(venv, "installed.txt");

/** @param {string} command @param {readonly string[]} args */
function run(command, args) {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"], cwd: root });
}

let failed = false;

if (!existsSync(join(folder, "node_modules")))
  try {
    run("npm", ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]);
  } catch {
    failed = true;
    console.error("could not install the npm packages of test/counterparts");
  }

const wanted = readFileSync(requirements, "utf8");
if (!existsSync(mark) || readFileSync(mark, "utf8") !== wanted)
  try {
    mkdirSync(join(root, ".cache"), { recursive: true });
    run("python3", ["-m", "venv", venv]);
    // PyTorch without CUDA, of a tenth of the size, where the index has it.
    const light = join(venv, "light.txt");
    writeFileSync(light, wanted.replace(/^(torch==\S+)$/m, "$1+cpu"));
    const install = ["-m", "pip", "install", "-q", "--retries", "0", "--disable-pip-version-check", "-r"];
    if (spawnSync(python, [...install, light], { stdio: ["ignore", "ignore", "ignore"] }).status !== 0)
      run(python, [...install, requirements]);
    writeFileSync(mark, wanted);
  } catch {
    failed = true;
    console.error("could not install the Python packages of test/counterparts");
  }

if (failed) process.exitCode = 1;
else console.log(`npm packages in ${join(folder, "node_modules")}, Python in ${python}`);
