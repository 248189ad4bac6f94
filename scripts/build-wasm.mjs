// Compiles builds of the kernels from assembly/: node scripts/build-wasm.mjs [--into FOLDER] [NAME ...]
// Into FOLDER/build; by default into build/ itself, where `npm run build:wasm` does so for what has changed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import asc from "assemblyscript/asc";
import { writeAbi } from "./abi.mjs";
import { writeDispatch } from "./dispatch.mjs";
import { embedWasm, WASM, WIDE } from "./embed.mjs";
import { pairs } from "./pairs.mjs";

const DIGITS =
  "assembly/digits/index.ts --config none --runtime stub --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert --use abort=";
/** For model.js files: no other threads, and no training. */
const PREDICT =
  "assembly/predict.ts --config none --runtime stub --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert --importMemory --zeroFilledMemory --initialMemory 1 --enable simd --use abort= --use TRAINING=0";
/** Without and with the kernels of assembly/further/; those builds have an export that tells so. */
const CORE = ["--use", "ALL_KERNELS=0"];
const ALL = ["--use", "ALL_KERNELS=1"];
const TRAIN = ["--config", "asconfig.json", "--use", "TRAINING=1"];
/** Whether kernels have pairs of vectors: of the builds called wide, whose target is simd, and relaxed-wide. */
const FLAT = ["--use", "PAIRS=0"];
const PAIRED = ["--use", "PAIRS=1"];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { into: { type: "string", default: "." } },
});
const folder = join(values.into, "build");
const wanted = positionals.length > 0 ? positionals : [...WASM, ...WIDE];

mkdirSync(folder, { recursive: true });
if (values.into === ".") {
  writeDispatch();
  writeAbi();
}
for (const name of wanted) {
  const wide = WIDE.includes(name),
    all = wide || name.endsWith("-all");
  const target = name === "wide" ? "simd" : name.split("-")[0];
  const args =
    name === "digits"
      ? DIGITS.split(" ")
      : [
          ...(target === "predict"
            ? PREDICT.split(" ")
            : [...TRAIN, "--target", target, ...(all ? ["assembly/all.ts"] : [])]),
          ...(all ? ALL : CORE),
          ...(wide ? PAIRED : FLAT),
        ];
  const outFile = join(folder, `${name}.wasm`);
  const textFile = join(folder, `${name}.wat`);
  const { error, stderr } = await asc.main(
    [...args, "--outFile", outFile, ...(wide ? ["--textFile", textFile] : [])],
    { transforms: wide ? [pairs] : [] },
  );
  if (error) {
    process.stderr.write(`${stderr.toString()}\nbuild of ${name}.wasm failed: ${error.message}\n`);
    process.exit(1);
  }
  if (wide) {
    // Names of its functions in order, for who looks at what V8 makes of them: test/wide/paired.test.ts.
    const names = [...readFileSync(textFile, "utf8").matchAll(/^ \(func \$(\S+)/gm)].map(([, own]) => own);
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(names)}\n`);
    rmSync(textFile);
  } else embedWasm(folder, name);
}
