// Holds every build of the kernels to its budget: 40 KiB gzipped.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 40 * 1024;
let failed = false;
for (const name of ["scalar", "simd", "relaxed", "digits"]) {
  const bytes = readFileSync(new URL(`../build/${name}.wasm`, import.meta.url));
  const packed = gzipSync(bytes, { level: 9 }).length;
  const ok = packed <= LIMIT;
  failed ||= !ok;
  console.log(
    `${name}.wasm  ${bytes.length} bytes, ${packed} gzipped, limit ${LIMIT}${ok ? "" : "  TOO LARGE"}`,
  );
}
if (failed) process.exit(1);
