// Installs Node 24 from the package registry into .cache/node24, for the tests that need a newer Node than the one that
// runs them, and prints the path of its binary. What is there already is kept.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../.cache/node24/", import.meta.url));
export const node24 = `${folder}node_modules/node/bin/node`;

if (!existsSync(node24)) {
  mkdirSync(folder, { recursive: true });
  // A folder of its own, out of reach of this package's lock file.
  const args = [
    "install",
    "--prefix",
    folder,
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "node@24",
  ];
  execFileSync("npm", args, { stdio: ["ignore", "ignore", "inherit"], cwd: folder });
}
const version = execFileSync(node24, ["--version"], { encoding: "utf8" }).trim();
if (!version.startsWith("v24.")) throw new Error(`${node24} is ${version}, expected Node 24`);
console.log(node24);
