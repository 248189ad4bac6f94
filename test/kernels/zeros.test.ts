import { describe, expect, test } from "vitest";
import { describeBuilds } from "../support/bench.ts";
import { expectClose } from "../support/close.ts";
import {
  type FusedProblem,
  fusedBackwardFilter,
  fusedBackwardInput,
  fusedForward,
} from "../support/fused-bench.ts";
import { conv2d, conv2dGradients, maxPool2d, type Window, windowOf } from "../support/reference/conv.ts";
import { inputSize, outputShape, outputSize } from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";
import { TILE_SIZES, winogradFilterGradient, winogradForward } from "../support/winograd-bench.ts";

// Where direct summation is exact, Winograd's products must be: the bias under a patch of zeros, no gradient at a pixel
// that no gradient reaches, none for a tap whose products are all zero; and what decides between two outputs (the pool's
// winner, relu's gate) must be what double precision decides. References are in f64 and know nothing of tiles.

/** x[batch, H, W, C], zero where `keep` says so; every other zero is -0. */
function sparse(g: Window, seed: number, keep: (n: number, i: number, j: number, c: number) => boolean) {
  return uniform(inputSize(g), seed).map((v, k) => {
    const pixel = Math.floor(k / g.C);
    const [n, i, j] = [Math.floor(pixel / (g.H * g.W)), Math.floor(pixel / g.W) % g.H, pixel % g.W];
    return keep(n, i, j, k % g.C) ? v : k % 2 ? 0 : -0;
  });
}

const noise = uniform(4096, 99);
const PATTERNS: Record<string, (g: Window) => Float32Array> = {
  "zero borders": (g) => sparse(g, 1, (_, i, j) => i > 3 && j > 3 && i < g.H - 3 && j < g.W - 4),
  "zero regions": (g) => sparse(g, 2, (n, i, j) => i + n < 4 !== j > 5),
  "an image of zeros": (g) => sparse(g, 3, (n) => n !== 1),
  "channels of zeros": (g) => sparse(g, 4, (_, i, j, c) => c % 3 === 1 && i > 4 && j < 9),
  "single pixels": (g) => sparse(g, 5, (n, i, j) => noise[(17 * n + 31 * i + j) % 4096]! > 0.93),
  "last image alone": (g) => sparse(g, 6, (n, i, j) => n === g.batch - 1 && i > 2 && j > 2),
};

/** Whether all of each output's patch is zero, padding included. */
function zeroPatches(x: Float32Array, g: Window): boolean[] {
  const ones = new Float32Array(9 * g.C).fill(1);
  const nonzero = x.map((v) => (v === 0 ? 0 : 1));
  return Array.from(conv2d(nonzero, ones, g, 1), (count) => count === 0);
}

const GRIDS = [
  { H: 9, W: 10, padding: "valid" },
  { H: 13, W: 13, padding: "valid" },
  { H: 7, W: 15, padding: "same" },
  { H: 16, W: 11, padding: "same" },
] as const;

/** Two of the grids, other ones for each i. */
const dealt = (i: number) => GRIDS.filter((_, k) => (k + i) % 2 === 0);
const NAMES = Object.keys(PATTERNS).map((name, i) => [name, i] as const);

/** Errors of sums of `terms` products, with tiles of m: see winograd.test.ts. */
const near = (m: number, terms: number) => ({ atol: 1.2e-6 * m * 2 * Math.sqrt(terms), rtol: 4e-6 });

describeBuilds("zeros through Winograd's products", (bench) => {
  describe.each(TILE_SIZES)("tiles of %i outputs in a row", (m) => {
    test.each(NAMES)("%s: outputs of zero patches are the bias", (name, i) => {
      let settled = 0;
      for (const grid of dealt(i)) {
        const g = windowOf({ batch: 2, C: 9, KH: 3, ...grid });
        const OC = 18;
        const x = PATTERNS[name]!(g);
        const [w, bias] = [uniform(9 * g.C * OC, 7), uniform(OC, 8)];
        const zero = zeroPatches(x, g);
        const sums = conv2d(x, w, g, OC).map((v, k) => v + bias[k % OC]!);
        for (const relu of [false, true]) {
          for (const [block, images] of [
            [1, 1],
            [9, 2],
          ] as const) {
            const y = winogradForward(bench(), m, { g, OC, x, w }, { bias, relu, block, images });
            const expected = relu ? sums.map((v) => Math.max(v, 0)) : sums;
            expectClose(y, expected, { ...near(m, 9 * g.C), shape: outputShape(g, OC) });
            for (const [k, v] of y.entries()) {
              if (!zero[Math.floor(k / OC)]) continue;
              settled++;
              if (!Object.is(v, relu ? Math.max(bias[k % OC]!, 0) : bias[k % OC]))
                throw new Error(`output ${k} of [${outputShape(g, OC)}] is ${v}, its bias ${bias[k % OC]}`);
            }
          }
        }
        const plain = winogradForward(bench(), m, { g, OC, x, w });
        for (const [k, v] of plain.entries()) if (zero[Math.floor(k / OC)]) expect(v).toBe(0);
      }
      expect(settled).toBeGreaterThan(500);
    });

    test.each(NAMES)("%s: no gradient where none arrives", (name, i) => {
      let untouched = 0;
      for (const grid of dealt(i)) {
        const g = windowOf({ batch: 2, C: 10, KH: 3, ...grid });
        const OC = 9;
        const dy = PATTERNS[name]!({ ...g, H: g.OH, W: g.OW, C: OC });
        const w = uniform(9 * g.C * OC, 7);
        const { dx } = conv2dGradients(new Float32Array(inputSize(g)), w, dy, g, OC);
        const border = { top: 2 - g.top, left: 2 - g.left };
        const turned = { ...g, H: g.OH, W: g.OW, C: OC, OH: g.H, OW: g.W, ...border };
        const zero = zeroPatches(dy, turned);
        const actual = winogradForward(
          bench(),
          m,
          { g: turned, OC: g.C, x: dy, w },
          { rotate: true, block: 2 },
        );
        expectClose(actual, dx, { ...near(m, 9 * OC), shape: [g.batch, g.H, g.W, g.C] });
        for (const [k, v] of actual.entries()) {
          if (!zero[Math.floor(k / g.C)]) continue;
          untouched++;
          expect(v).toBe(0);
        }
      }
      expect(untouched).toBeGreaterThan(50);
    });

    test("NaN and infinity are no zeros", () => {
      const g = windowOf({ batch: 1, H: 12, W: 12, C: 8, KH: 3 });
      for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const x = new Float32Array(inputSize(g));
        x[(5 * 12 + 6) * 8 + 7] = odd;
        const y = winogradForward(bench(), m, { g, OC: 8, x, w: uniform(9 * 64, 1) });
        const touched = (i: number, j: number) => i >= 3 && i <= 5 && j >= 4 && j <= 6;
        for (const [k, v] of y.entries()) {
          const [i, j] = [Math.floor(k / 80), Math.floor(k / 8) % 10];
          expect(Number.isFinite(v), `output ${i}, ${j}`).toBe(!touched(i, j));
        }
      }
    });

    test("equal patches side by side give equal outputs", () => {
      const g = windowOf({ batch: 2, H: 14, W: 13, C: 8, KH: 3 });
      const pixel = uniform(8, 3);
      const row = (i: number) => (i < 6 ? 1 : i);
      const x = Float32Array.from({ length: inputSize(g) }, (_, k) => {
        const [i, j] = [Math.floor(k / (8 * g.W)) % g.H, Math.floor(k / 8) % g.W];
        return pixel[k % 8]! * row(i) * (j < 8 ? 1 : 1 + noise[7 * i + j]!);
      });
      const y = winogradForward(bench(), m, { g, OC: 16, x, w: uniform(9 * 8 * 16, 4) }, { block: 3 });
      const at = (i: number, j: number) => y.subarray((i * g.OW + j) * 16, (i * g.OW + j + 1) * 16);
      for (let i = 0; i < g.OH; i++)
        for (let j = 1; j <= 5; j++) expect(at(i, j), `row ${i}, column ${j}`).toEqual(at(i, 0));
      for (let i = 1; i <= 3; i++) expect(at(i, 0), `row ${i}`).toEqual(at(0, 0));
    });

    test.each([
      [4, 70, 0],
      [9, 6, 1],
    ])("taps whose products are all zero: %i -> %i channels", (C, OC, i) => {
      let dead = 0;
      for (const grid of dealt(i)) {
        const g = windowOf({ batch: 3, C, KH: 3, ...grid });
        const o = { ...g, H: g.OH, W: g.OW, C: OC };
        for (const [x, dy] of [
          // Columns of their own, so that some shifts never meet.
          [
            sparse(g, 1, (_, i, j, c) => (i + j) % 4 === c % 4),
            sparse(o, 2, (_, i, j, c) => (i + j) % 4 === c % 3),
          ],
          // A few positions each: some meet once.
          [
            sparse(g, 3, (n, i, j, c) => noise[(7 * n + 57 * i + 13 * j + 5 * c) % 4096]! > 0.8),
            sparse(o, 4, (n, i, j, c) => noise[(3 * n + 41 * i + 23 * j + 11 * c) % 4096]! > 0.8),
          ],
          [PATTERNS["zero borders"]!(g), PATTERNS["last image alone"]!(o)],
          [PATTERNS["channels of zeros"]!(g), uniform(outputSize(g, OC), 5)],
          [uniform(inputSize(g), 6), PATTERNS["single pixels"]!(o)],
        ] as const) {
          const { dw } = conv2dGradients(x, new Float32Array(9 * C * OC), dy, g, OC);
          const meets = conv2dGradients(
            x.map((v) => (v === 0 ? 0 : 1)),
            new Float32Array(9 * C * OC),
            dy.map((v) => (v === 0 ? 0 : 1)),
            g,
            OC,
          ).dw;
          for (const images of [1, 3]) {
            const actual = winogradFilterGradient(bench(), m, { g, OC, x, w: dw }, dy, images);
            expectClose(actual, dw, { ...near(m, 3 * g.OH * g.OW), shape: [3, 3, C, OC] });
            for (const [k, count] of meets.entries()) {
              if (count > 0) continue;
              dead++;
              if (actual[k] !== 0)
                throw new Error(`tap ${k} of [3, 3, ${C}, ${OC}] is ${actual[k]}, no products`);
            }
          }
        }
      }
      expect(dead).toBeGreaterThan(1000);
    });

    test("taps that miss one another by columns are zero, however great the sums beside them", () => {
      for (const [across, least] of [
        [true, 0.3],
        [false, -1],
      ] as const) {
        const g = windowOf({ batch: 8, C: 4, KH: 3, H: 16, W: 16, padding: "same" });
        const o = { ...g, H: g.OH, W: g.OW };
        // Of one sign, sums of thousands of products grow with their number.
        const every2nd = (of: Window, seed: number) =>
          sparse(of, seed, (_, i, j) => (across ? j : i) % 2 === 0).map((v) =>
            v === 0 || least < 0 ? v : Math.abs(v) + least,
          );
        const [x, dy] = [every2nd(g, 1), every2nd(o, 2)];
        const { dw } = conv2dGradients(x, new Float32Array(9 * 4 * 4), dy, g, 4);
        const actual = winogradFilterGradient(bench(), m, { g, OC: 4, x, w: x }, dy, 8);
        const misses = (tap: number) => (across ? tap % 3 : Math.floor(tap / 3)) !== 1;
        for (const [k, v] of actual.entries()) {
          if (misses(Math.floor(k / 16))) expect(v, `tap ${k}`).toBe(0);
          else expect(Math.abs(v - dw[k]!)).toBeLessThan(2e-5 * Math.max(...dw.map(Math.abs)));
        }
      }
    });

    test("a faint product beside a bright one makes a tap, too", () => {
      const faint = { 2: 5e-6, 4: 5e-5, 5: 2e-4 }[m];
      for (const grid of GRIDS) {
        const g = windowOf({ batch: 4, C: 8, KH: 3, ...grid });
        const OC = 8;
        for (let k = 0; k < 12; k++) {
          const [x, dy] = [new Float32Array(inputSize(g)), new Float32Array(outputSize(g, OC))];
          const [n, i, j] = [k % 4, 1 + ((5 * k) % (g.OH - 2)), 1 + ((11 * k) % (g.OW - 2))];
          dy[((n * g.OH + i) * g.OW + j) * OC + 3] = 1;
          const pixel = (tap: number) =>
            ((n * g.H + i - g.top + Math.floor(tap / 3)) * g.W + j - g.left + (tap % 3)) * 8 + 5;
          const [bright, dim] = [k % 9, (5 * k + 2) % 9];
          if (bright === dim) continue;
          x[pixel(bright)] = 1;
          x[pixel(dim)] = faint;
          const actual = winogradFilterGradient(bench(), m, { g, OC, x, w: x }, dy, 4);
          const of = (tap: number) => actual[(tap * 8 + 5) * OC + 3]!;
          expect(of(bright)).toBeCloseTo(1, 4);
          expect(Math.abs(of(dim) / faint - 1), `tap ${dim} beside ${bright}`).toBeLessThan(0.3);
          expect(actual.filter((v) => v !== 0).length).toBe(2);
        }
      }
    });

    test("a single product makes a tap, wherever it is", () => {
      for (const grid of GRIDS) {
        const g = windowOf({ batch: 4, C: 8, KH: 3, ...grid });
        const OC = 8;
        for (let k = 0; k < 12; k++) {
          const [x, dy] = [new Float32Array(inputSize(g)), new Float32Array(outputSize(g, OC))];
          const [n, i, j] = [k % 4, (5 * k) % g.OH, (11 * k) % g.OW];
          const [r, q] = [i - g.top + (k % 3), j - g.left + ((k >> 2) % 3)];
          if (r < 0 || q < 0 || r >= g.H || q >= g.W) continue;
          dy[((n * g.OH + i) * g.OW + j) * OC + (k % 8)] = 2;
          x[((n * g.H + r) * g.W + q) * 8 + ((k >> 1) % 8)] = 1;
          const actual = winogradFilterGradient(bench(), m, { g, OC, x, w: x }, dy, 4);
          const at = (((k % 3) * 3 + ((k >> 2) % 3)) * 8 + ((k >> 1) % 8)) * OC + (k % 8);
          expect(actual[at]).toBeCloseTo(2, 4);
          actual[at] = 0;
          expect(actual.findIndex((v) => v !== 0)).toBe(-1);
        }
      }
    });
  });

  describe.each([0, ...TILE_SIZES] as const)("convPool with tiles of %i (0: direct products)", (m) => {
    const POOLS = [
      [{ KH: 2, strideH: 2 }, true],
      [{ KH: 3, strideH: 2, padding: "same" }, true],
      [{ KH: 2, strideH: 2, padding: "same" }, false],
      [{ KH: 2, strideH: 1 }, true],
    ] as const;
    /** Channels in: with tiles some that leave a remainder, without such that each kernel of direct products has a turn. */
    const channels = (i: number) => (m ? 8 + (i % 3) : [1, 8, 3, 9][i % 4]!);

    /** Holds y, winners and gates, and both gradients against f64. */
    function check(
      g: Window,
      OC: number,
      x: Float32Array,
      bias: Float32Array | undefined,
      options: {
        pools?: readonly (typeof POOLS)[number][];
        gradients?: boolean;
        w?: Float32Array;
        close?: boolean;
      } = {},
    ) {
      const { pools = POOLS, gradients = false, w = uniform(9 * g.C * OC, 7), close = false } = options;
      const sums = conv2d(x, w, g, OC).map((v, k) => v + (bias?.[k % OC] ?? 0));
      const zero = zeroPatches(x, g);
      for (const [shape, relu] of pools) {
        const pool = windowOf({ ...shape, batch: g.batch, H: g.OH, W: g.OW, C: OC });
        const problem: FusedProblem = { g, OC, x, w, bias, relu, pool, m };
        const { y: best, winner } = maxPool2d(sums, pool);
        const argmax = winner.map((cell, k) => {
          if (relu && !(best[k]! > 0)) return -1;
          const [i, j] = [Math.floor(cell / (OC * g.OW)) % g.OH, Math.floor(cell / OC) % g.OW];
          const [p, q] = [Math.floor(k / (OC * pool.OW)) % pool.OH, Math.floor(k / OC) % pool.OW];
          return (i - p * pool.strideH + pool.top) * pool.KW + j - q * pool.strideW + pool.left;
        });
        const actual = fusedForward(bench(), problem, { block: pool.OH });
        const wrong = argmax.findIndex((at, k) => actual.argmax[k] !== at);
        if (wrong >= 0)
          throw new Error(
            `window ${wrong} of [${outputShape(pool)}], pool ${JSON.stringify(shape)}, relu ${relu}: place ${actual.argmax[wrong]}, expected ${argmax[wrong]}`,
          );
        const expected = best.map((v) => (relu ? Math.max(v, 0) : v));
        expectClose(actual.y, expected, { ...near(m || 2, 9 * g.C), shape: outputShape(pool) });
        // Of outputs as close as rounding, the greatest is stored, be it the winner's or another.
        for (const [k, cell] of winner.entries())
          if (!close && zero[Math.floor(cell / OC)] && actual.argmax[k]! >= 0)
            expect(actual.y[k]).toBe(Math.fround(best[k]!));
        if (!gradients) continue;
        // What follows from the winners: sums of nothing but what they are.
        const dy = uniform(outputSize(pool), 9);
        const dconv = new Float64Array(sums.length);
        for (const [k, at] of argmax.entries()) if (at >= 0) dconv[winner[k]!]! += dy[k]!;
        const { dw, dx } = conv2dGradients(x, w, dconv, g, OC);
        const filter = fusedBackwardFilter(bench(), problem, dy, actual.argmax, 2).dw;
        const input = fusedBackwardInput(bench(), problem, dy, actual.argmax);
        for (const [got, wanted] of [
          [filter, dw],
          [input, dx],
        ] as const) {
          expectClose(got, wanted, { atol: 2e-5, rtol: 1e-5 });
          for (const [k, v] of wanted.entries())
            if (v === 0 && got[k] !== 0) throw new Error(`gradient ${k} is ${got[k]}, expected 0`);
        }
      }
    }

    test.each(NAMES)("%s: winners, gates and gradients of double precision", (name, i) => {
      for (const [k, grid] of dealt(i).entries()) {
        const g = windowOf({ batch: 2, C: channels(i + k), KH: 3, ...grid });
        const x = PATTERNS[name]!(g);
        check(g, 9, x, undefined, { gradients: true, pools: [POOLS[(i + k) % 4]!] });
        check(g, 17, x, uniform(17, 8));
      }
    });

    // Direct products in panels do not tell outputs that are equal by chance from those of equal patches.
    const short = (i: number) => (m ? channels(i) : 1 + 2 * (i % 2));
    const pools = m ? POOLS : POOLS.slice(0, 1);

    test.each(["1e-7 apart", "1e-7 apart in one of many channels", "equal columns", "constant", "slanted"])(
      "outputs %s: the winner of double precision",
      (kind) => {
        for (const [k, grid] of GRIDS.entries()) {
          const one = kind.endsWith("channels");
          const C = m && one ? 21 + (k % 3) : short(k);
          const g = windowOf({ batch: 2, C, KH: 3, ...grid });
          const base = uniform(inputSize(g), 11);
          const x = base.map((_, t) => {
            const [row, j] = [Math.floor(t / (g.W * C)), Math.floor(t / C) % g.W];
            const c = t % C;
            if (kind === "constant") return 0.7 + c / 10;
            // Equal patches whose rows begin at different columns: outputs are taken from some that were summed apart.
            if (kind === "slanted")
              return Math.abs(((row % g.H) % 8) - 4) + j > 6 ? 0.7 + base[c]! / 3 : base[t]!;
            if (kind === "equal columns") return base[row * g.W * C + c]!;
            // Pixels of a block of four in a row and in a column differ in their last bits alone.
            const same = base[(Math.floor(row / 4) * 4 * g.W + Math.floor(j / 4) * 4) * C + c]!;
            return one && c !== (7 + 5 * k) % C ? same : same * (1 + 1e-7 * Math.round(3 * noise[t % 4096]!));
          });
          check(g, 9, x, undefined, { pools });
          check(g, 16, x, uniform(16, 5), { pools });
        }
      },
    );

    // Different patches whose sums are the same number: the first of them wins, and 0 opens no gate. Repeated rows and columns
    // put outputs that were taken from others beside them.
    test.each([undefined, 0, 1])("whole numbers, tied by chance, bias %s", (value) => {
      let ties = 0;
      for (const [k, grid] of GRIDS.entries()) {
        const C = short(k);
        const g = windowOf({ batch: 3, C, KH: 3, ...grid });
        const whole = (v: number) => Math.round(1.4 * v);
        const base = uniform(inputSize(g), 31).map(whole);
        // Runs of five: patches that equal the one on their left or above lie at their ends.
        const first = (i: number) => i - Math.min(i % 7, 4);
        const x = base.map((_, t) => {
          const [row, j] = [Math.floor(t / (g.W * C)), Math.floor(t / C) % g.W];
          const [n, i] = [Math.floor(row / g.H), row % g.H];
          const from = n * g.H + (n === 1 ? i : first(i));
          return base[(from * g.W + (n === 0 ? j : first(j))) * C + (t % C)]!;
        });
        const OC = 16;
        const w = uniform(9 * C * OC, 32).map(whole);
        const bias = value === undefined ? undefined : new Float32Array(OC).fill(value);
        const sums = conv2d(x, w, g, OC);
        for (let t = OC; t < sums.length; t++) if (sums[t] === sums[t - OC]) ties++;
        check(g, OC, x, bias, { pools, w, close: true });
      }
      expect(ties).toBeGreaterThan(500);
    });

    // An output that is as good as a zero patch's, beside it in one window: at weights that cancel out but for some 1e-9.
    test.each([undefined, 0.25, -0.25])("outputs beside those of zero patches, bias %s", (value) => {
      // Direct sums that cancel out are 0 by chance, as in every direct convolution.
      if (!m && value === undefined) return;
      for (const C of m ? [8, 9] : [1, 3]) {
        const g = windowOf({ batch: 4, C, KH: 3, H: 4, W: 4 });
        const OC = 32;
        const x = uniform(inputSize(g), 21, 0.5, 1).map((v, t) => {
          const [row, column] = [Math.floor(t / (4 * C)) % 4, Math.floor(t / C) % 4];
          return row < 3 && column < 3 ? 0 : row === 1 && column === 3 && t % C === 0 ? v / 100 : v;
        });
        for (let image = 1; image < 4; image++) x.copyWithin(image * 16 * C, 0, 16 * C);
        const w = uniform(9 * C * OC, 22);
        const bias = value === undefined ? undefined : new Float32Array(OC).fill(value);
        for (let o = 0; o < OC; o++) {
          const target =
            (o % 2 ? 1 : -1) * (value ? 6e-8 : 1e-9) * (1 + (o >> 2)) - (value === -0.25 ? value : 0);
          const at = (row: number, column: number, c: number) => ((row * 3 + column) * C + c) * OC + o;
          // The row below and its corner pull the other outputs down.
          for (let c = 0; c < C; c++) for (const k of [0, 1]) w[at(2, k, c)] = -Math.abs(w[at(2, k, c)]!) - 1;
          const sum = () => {
            let total = 0;
            for (let r = 0; r < 3; r++)
              for (let c = 0; c < C; c++) total += x[(r * 4 + 3) * C + c]! * w[at(r, 2, c)]!;
            return total;
          };
          w[at(1, 2, 0)] = 0;
          w[at(0, 2, 0)]! -= (sum() - target) / x[3 * C]!;
          w[at(1, 2, 0)] = (target - sum()) / x[7 * C]!;
        }
        check(g, OC, x, bias, { pools: POOLS.slice(0, 1), w, close: true });
      }
    });

    test("a bright pixel over a tap of 0: its tile's errors are larger than its outputs there tell", () => {
      if (!m) return;
      const g = windowOf({ batch: 2, C: 8, KH: 3, H: 12, W: 12 });
      const x = uniform(inputSize(g), 23).map((v) => v / 1000);
      x[(5 * 12 + 5) * 8] = 1000;
      const w = uniform(9 * 8 * 16, 24);
      for (let o = 0; o < 16; o++) w[4 * 8 * 16 + o] = 0;
      const pool = windowOf({ KH: 2, strideH: 2, batch: 2, H: 10, W: 10, C: 16 });
      const problem: FusedProblem = { g, OC: 16, x, w, bias: undefined, relu: true, pool, m };
      const { winner, y } = maxPool2d(conv2d(x, w, g, 16), pool);
      const { argmax } = fusedForward(bench(), problem, { block: pool.OH });
      for (const [k, cell] of winner.entries()) {
        const [i, j] = [Math.floor(cell / 160) % 10, Math.floor(cell / 16) % 10];
        const [p, q] = [Math.floor(k / 80) % 5, Math.floor(k / 16) % 5];
        expect(argmax[k], `window ${k}`).toBe(y[k]! > 0 ? (i - 2 * p) * 2 + j - 2 * q : -1);
      }
    });

    test("outputs at relu's gate: as double precision decides", () => {
      for (const [k, grid] of GRIDS.entries()) {
        const C = short(k);
        const g = windowOf({ batch: 2, C, KH: 3, ...grid, padding: "valid" });
        const OC = 12;
        const x = uniform(inputSize(g), 12).map((v) => 1 + 2e-7 * Math.round(4 * v));
        const w = uniform(9 * C * OC, 7, 0, 1);
        const bias = Float32Array.from({ length: OC }, (_, o) => {
          let sum = 0;
          for (let t = 0; t < 9 * C; t++) sum += w[t * OC + o]!;
          return -sum;
        });
        check(g, OC, x, bias, { pools, w });
      }
    });
  });
});
