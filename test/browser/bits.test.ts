import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { node24, noNode24 } from "../support/node24.ts";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// The same bits everywhere: one run, one hash of its weights, in every engine, for every number of threads, in a worker
// and not. A change of a kernel that changes its rounding changes the hash. To write it anew, from the run in Node:
//   npm run build && UPDATE_GOLDEN=1 npx vitest run test/browser/bits.test.ts
const GOLDEN = new URL("bits.json", import.meta.url);
const THREADS = [1, 2, 4];

interface How {
  threads: number;
  backend?: "simd" | "relaxed";
  worker?: boolean;
}
interface Result {
  backend: string;
  threads: number;
  loss: number;
  sha256: string;
}

const run = promisify(execFile);

async function inNode(binary: string, hows: readonly How[]): Promise<{ node: string; results: Result[] }> {
  const script = fileURLToPath(new URL("pages/node-bits.mjs", import.meta.url));
  return JSON.parse((await run(binary, [script, JSON.stringify(hows)])).stdout);
}

function golden(): string {
  return JSON.parse(readFileSync(GOLDEN, "utf8")).sha256;
}

beforeAll(async () => {
  if (process.env.UPDATE_GOLDEN !== "1") return;
  const { results } = await inNode(process.execPath, [{ threads: 1 }]);
  const run = "keras-mnist, 200 steps of batch 32 on digits, adam, seed 1, simd";
  writeFileSync(GOLDEN, `${JSON.stringify({ run, sha256: results[0]!.sha256 }, null, 2)}\n`);
});

const nodes = [
  { name: "this Node", binary: process.execPath },
  { name: "Node 24", binary: node24 },
];

describe.each(nodes)("$name", ({ name, binary }) => {
  const reason = binary ? "" : noNode24;
  let node = "";
  let results: Result[] = [];
  beforeAll(async () => {
    if (!binary) return;
    const hows: How[] = THREADS.map((threads) => ({ threads }));
    ({ node, results } = await inNode(binary, [...hows, { threads: 2, backend: "relaxed" }]));
  });

  test.skipIf(!binary)(`gives the golden weights with 1, 2 and 4 threads${reason}`, () => {
    if (name === "Node 24") expect(node).toMatch(/^24\./);
    const simd = results.slice(0, THREADS.length);
    expect(simd.map(({ backend, threads, sha256 }) => ({ backend, threads, sha256 }))).toEqual(
      THREADS.map((threads) => ({ backend: "simd", threads, sha256: golden() })),
    );
  });

  // Without a flag from outside: the engine sets Node 20's for itself, later ones need none.
  test.skipIf(!binary)(`runs the relaxed build, to nearly the same loss${reason}`, () => {
    const [simd, relaxed] = [results[0]!, results.at(-1)!];
    expect(relaxed.backend).toBe("relaxed");
    expect(Math.abs(relaxed.loss / simd.loss - 1)).toBeLessThan(0.1);
  });
});

describe.each(BROWSERS)("%s", (name) => {
  const reason = missing(name);
  let server: Server;
  beforeAll(async () => {
    server = await serve();
  });
  afterAll(() => server.close());

  const cases: How[] = [
    ...THREADS.map((threads) => ({ threads, worker: true })),
    { threads: 1, worker: false },
  ];
  test.skipIf(reason)(
    `gives the golden weights in a worker with 1, 2 and 4 threads, and on the page${reason && `: ${reason}`}`,
    async () => {
      const { page, errors } = await open(name, `${server.origin}/empty.html`);
      for (const how of cases) {
        const { backend, threads, sha256 } = (await page.evaluate(`(async () => {
          const { train } = await import("/test/browser/pages/bits.js");
          return train(await import("/dist/wasmgrad.js"), ${JSON.stringify(how)});
        })()`)) as Result;
        expect({ how, backend, threads, sha256 }).toEqual({
          how,
          backend: "simd",
          threads: how.threads,
          sha256: golden(),
        });
      }
      expect(errors).toEqual([]);
      await closePage(page);
    },
  );

  // Not in Firefox: driven by a debugger, version 153 now and then hangs where a worker starts a worker.
  test.skipIf(reason || name === "firefox")(
    `gives the golden weights in a worker of the user's own, whose threads are nested workers${reason && `: ${reason}`}`,
    async () => {
      const { page, errors } = await open(name, `${server.origin}/empty.html`);
      const result = (await page.evaluate(`new Promise((resolve) => {
        const worker = new Worker("/test/browser/pages/own-worker.js", { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage({ threads: 2 });
      })`)) as Result;
      expect(result).toMatchObject({ backend: "simd", threads: 2, sha256: golden() });
      expect(errors).toEqual([]);
      await closePage(page);
    },
  );
});
