import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { BROWSERS, type BrowserName, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { type Route, type Server, type ServerOptions, serve } from "./support/server.ts";

const WORKER = new URL("../../dist/browser/worker.js", import.meta.url);

/** The worker script with something before it: runs in the training worker and in its kernel threads. */
function sabotaged(prelude: string): Route {
  return async (_, response) => {
    response.setHeader("Content-Type", "text/javascript");
    response.end(`${prelude}\n${await readFile(WORKER, "utf8")}`);
  };
}

/** Kernel threads have no memory left for the kernels; the training worker has. */
const STARVES_THREADS = `if (self.name.includes("thread"))
  WebAssembly.instantiate = () => Promise.reject(new RangeError("out of memory"));`;

/** Kernel threads fail at work, after a while. */
const FAILS_AT_WORK = `if (self.name.includes("thread")) {
  const work = () => {
    for (const end = performance.now() + 300; performance.now() < end; );
    throw new RangeError("broken at work");
  };
  WebAssembly.instantiate = async () => ({ exports: { work } });
}`;

describe.each(BROWSERS)("%s", (name: BrowserName) => {
  const reason = missing(name);
  const title = (text: string) => (reason ? `${text}: ${reason}` : text);
  let server: Server;
  let opened: OpenPage;

  async function start(options: ServerOptions = {}): Promise<void> {
    server = await serve(options);
    opened = await open(name, `${server.origin}/empty.html`);
  }
  afterEach(async () => {
    if (reason) return;
    await closePage(opened.page);
    await server.close();
  });

  function call<T>(method: string, ...args: unknown[]): Promise<T> {
    return opened.page.evaluate(
      `import("/test/browser/pages/faults.js").then((page) => page.${method}(...${JSON.stringify(args)}))`,
    ) as Promise<T>;
  }

  test.skipIf(reason)(
    title("a killed training worker: an error at once, weights on the page, no loss"),
    async () => {
      await start();
      const dead = {
        message: "the training worker ended unexpectedly: it was killed, or ran out of memory",
        soon: true,
      };
      expect(await call("killedWorker")).toEqual({
        fit: dead,
        evaluation: dead,
        after: dead,
        state: "failed",
        epoch: 2,
        states: ["disposed", "disposed"],
        wentOn: [3],
      });
      expect(opened.errors).toEqual([]);
    },
  );

  test.skipIf(reason)(title("a killed kernel thread: an error, no hang"), async () => {
    await start();
    const ended = {
      message: "a kernel thread ended unexpectedly: it was killed, or ran out of memory",
      soon: true,
    };
    expect(await call("killedThread")).toEqual({ fit: ended, state: "failed", after: ended });
  });

  test.skipIf(reason).each([
    ["cannot start", STARVES_THREADS],
    ["fail at work", FAILS_AT_WORK],
  ])(title("kernel threads that %s: an error, and soon"), async (_, prelude) => {
    await start({ routes: { "/worker.js": sabotaged(prelude) } });
    // Whichever comes first: the engine's own error, or the end of the threads.
    const failed = { message: expect.stringMatching(/^a kernel thread (failed|ended)/), soon: true };
    expect(await call("sabotagedThreads", "/worker.js")).toEqual({
      threads: 3,
      fit: failed,
      after: failed,
      state: "failed",
    });
  });

  test.skipIf(reason)(title("a worker script that is not there: says what to look at"), async () => {
    await start();
    const error = { message: expect.stringContaining("/none.js cannot be started"), soon: true };
    expect(await call("cannotStart", "/none.js")).toEqual(error);
  });

  test.skipIf(reason)(
    title("under a strict policy: no blob: worker, but workerUrl, with threads"),
    async () => {
      const policy =
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self'";
      await start({ headers: { "Content-Security-Policy": policy } });
      expect(await call("works", "/dist/browser/worker.js")).toEqual({
        info: { backend: "simd", threads: 2, crossOriginIsolated: true },
        epoch: [0, 1],
      });
      expect(opened.errors).toEqual([]);
      const error = { message: expect.stringContaining("pass workerUrl"), soon: true };
      expect(await call("cannotStart", "")).toEqual(error);
    },
  );

  test.skipIf(reason)(title("kernels by URL, bytes or module; what is none is refused"), async () => {
    await start();
    expect(await call("kernels")).toEqual({
      hashes: 1,
      scalar: "scalar",
      missing: { message: expect.stringContaining("HTTP 404"), soon: true },
      page: { message: expect.stringContaining("/empty.html) is no WebAssembly"), soon: true },
      foreign: { message: expect.stringContaining("does not export heapBase, squareRoot, run"), soon: true },
    });
  });
});
