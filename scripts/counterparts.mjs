// Installs, from the package registries, the real readers and writers of the formats that models go to and come from, as
// test/counterparts pins them: npm packages, and a Python environment in .cache/python. What is there already is kept.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPython, python } from "./python-packages.mjs";

const folder = fileURLToPath(new URL("../test/counterparts", import.meta.url));

let failed = false;

if (!existsSync(join(folder, "node_modules")))
  try {
    const install = ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", install, { stdio: ["ignore", "ignore", "inherit"] });
  } catch {
    failed = true;
    console.error("could not install the npm packages of test/counterparts");
  }

try {
  installPython("installed", join(folder, "requirements.txt"));
} catch {
  failed = true;
  console.error("could not install the Python packages of test/counterparts");
}

if (failed) process.exitCode = 1;
else console.log(`npm packages in ${join(folder, "node_modules")}, Python in ${python}`);
