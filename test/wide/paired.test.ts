import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { node24, noWide } from "../support/node24.ts";

// V8 makes 256-bit instructions of the pairs in our kernels, and says nothing where it does not: then they are right, and slow. So its
// machine code is looked at. Where a kernel's shape changes so that V8 leaves it, or a V8 comes that does otherwise, this fails.
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Functions whose hot loops have pairs, and how many instructions on eight numbers they must have at least. */
const HOT: readonly (readonly [name: string, wide: number, relaxedWide: number])[] = [
  ["tile/panelRows", 24, 16],
  ["tile/tile", 36, 20],
  ["conv2d/shortForward<v128>", 24, 16],
  ["convpool/windowsForward<v128>", 44, 36],
  ["convpool/pool", 40, 40],
  ["convpool-backward/combinePatch", 78, 44],
  ["convpool-backward/convPoolBackwardInput", 78, 44],
  ["winograd/filterTile<f64>", 140, 125],
  ["winograd/inputLines<f64>", 120, 90],
  ["winograd/outputLines<f64>", 90, 85],
  ["winograd-gradient/gradientLines<f64>", 90, 72],
  ["elementwise/addRows", 5, 5],
  ["elementwise/multiplyRows", 5, 5],
  ["optimizer/adamOf<f64>", 84, 72],
  ["optimizer/rmspropOf<f64>", 130, 115],
  ["optimizer/sgdOf<f64>", 18, 18],
  ["peak/peak", 250, 160],
];
/** On eight and on four numbers. */
const ARITHMETIC = /\bv(?:add|sub|mul|div|max|min|sqrt|fn?m(?:add|sub)\d+)ps ([xy])mm/g;

/** How many instructions on 8 and on 4 numbers at once each function of a build has, by its name. */
function instructions(build: string): ReadonlyMap<string, { eight: number; four: number }> {
  const flags = "--experimental-wasm-revectorize --no-liftoff --no-wasm-lazy-compilation --print-wasm-code";
  const wasm = JSON.stringify(path(`../../build/${build}.wasm`));
  const script = `new WebAssembly.Module(require("node:fs").readFileSync(${wasm}))`;
  const { stdout } = spawnSync(node24!, [...flags.split(" "), "-e", script], {
    encoding: "latin1",
    maxBuffer: 2 ** 29,
  });
  const names: string[] = JSON.parse(readFileSync(path(`../../build/${build}.json`), "utf8"));
  const functions = stdout.split("--- WebAssembly code ---").slice(1);
  return new Map(
    functions.map((code) => {
      const widths = [...code.matchAll(ARITHMETIC)].map(([, width]) => width);
      const eight = widths.filter((width) => width === "y").length;
      const name = names[Number(/^index: (\d+)/m.exec(code)![1])]!.replace("assembly/", "");
      return [name, { eight, four: widths.length - eight }];
    }),
  );
}

describe.each(["wide", "relaxed-wide"])("build %s", (build) => {
  test.skipIf(noWide)(`its hot loops work on eight numbers at once${noWide}`, { timeout: 120_000 }, () => {
    const found = instructions(build);
    const least = HOT.map(([name, wide, relaxed]) => ({ name, least: build === "wide" ? wide : relaxed }));
    expect(least.filter(({ name, least }) => !((found.get(name)?.eight ?? 0) >= least))).toEqual([]);
    // Products of matrices, on which all else depends, on no fewer.
    for (const name of ["tile/panelRows", "tile/tile"]) expect(found.get(name)).toMatchObject({ four: 0 });
  });
});
