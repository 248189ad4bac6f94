// Compiles every build of the kernels from assembly/, and src/engine/abi.ts from their declarations.
import { mkdirSync } from "node:fs";
import asc from "assemblyscript/asc";
import { writeAbi } from "./abi.mjs";
import { embedWasm } from "./embed.mjs";

const DIGITS = [
  ..."--config none --runtime stub --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert".split(" "),
  ..."--use abort= --outFile build/digits.wasm".split(" "),
];
const wanted = process.argv.slice(2);
const builds = [
  ...["scalar", "simd", "relaxed"].map((target) => [
    target,
    ["--config", "asconfig.json", "--target", target],
  ]),
  ["digits", ["assembly/digits/index.ts", ...DIGITS]],
].filter(([name]) => wanted.length === 0 || wanted.includes(name));

mkdirSync("build", { recursive: true });
writeAbi();
for (const [name, args] of builds) {
  const { error, stderr } = await asc.main(args, {});
  if (error) {
    process.stderr.write(`${stderr.toString()}\nbuild of ${name}.wasm failed: ${error.message}\n`);
    process.exit(1);
  }
  embedWasm(name);
}
