// Compiles builds of the kernels from assembly/: node scripts/build-wasm.mjs [--into FOLDER] [NAME ...]
// Into FOLDER/build; by default into build/ itself, where `npm run build:wasm` does so for what has changed.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import asc from "assemblyscript/asc";
import { writeAbi } from "./abi.mjs";
import { writeDispatch } from "./dispatch.mjs";
import { embedWasm, WASM } from "./embed.mjs";

const DIGITS =
  "assembly/digits/index.ts --config none --runtime stub --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert --use abort=";
/** For model.js files: no other threads, and no training. */
const PREDICT =
  "assembly/predict.ts --config none --runtime stub --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert --importMemory --zeroFilledMemory --initialMemory 1 --enable simd --use abort= --use TRAINING=0";
/** Without and with the kernels of assembly/further/; those builds have an export that tells so. */
const CORE = ["--use", "ALL_KERNELS=0"];
const ALL = ["--use", "ALL_KERNELS=1"];
const TRAIN = ["--config", "asconfig.json", "--use", "TRAINING=1"];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { into: { type: "string", default: "." } },
});
const folder = join(values.into, "build");
const wanted = positionals.length > 0 ? positionals : WASM;

mkdirSync(folder, { recursive: true });
if (values.into === ".") {
  writeDispatch();
  writeAbi();
}
for (const name of wanted) {
  const [target, all] = name.split("-");
  const args =
    name === "digits"
      ? DIGITS.split(" ")
      : [
          ...(target === "predict"
            ? PREDICT.split(" ")
            : [...TRAIN, "--target", target, ...(all ? ["assembly/all.ts"] : [])]),
          ...(all ? ALL : CORE),
        ];
  const { error, stderr } = await asc.main([...args, "--outFile", join(folder, `${name}.wasm`)], {});
  if (error) {
    process.stderr.write(`${stderr.toString()}\nbuild of ${name}.wasm failed: ${error.message}\n`);
    process.exit(1);
  }
  embedWasm(folder, name);
}
