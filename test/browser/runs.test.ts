import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/run/node.ts";
import type { RunResult } from "../../src/run/result.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// An experiment as plain data gives in a page what it gives in Node.
const text = readFileSync(new URL("../../docs/runs.md", import.meta.url), "utf8");
const [, json] = /```json\n([\s\S]*?)```/.exec(text)!;

let inNode: RunResult;
beforeAll(async () => {
  const { result, learner } = await run(JSON.parse(json!));
  learner.dispose();
  inNode = result;
});

/** What a run is the same in, wherever it is done. */
const lasting = ({ weightsSha256, history, test, confusionMatrix, images, verdict }: RunResult) => ({
  weightsSha256,
  history,
  test,
  confusionMatrix,
  images,
  verdict,
});

describe.each(BROWSERS)("run() in %s", (name) => {
  const reason = missing(name);
  const title = (what: string) => (reason ? `${what}: ${reason}` : what);
  let server: Server;
  let opened: OpenPage;
  beforeAll(async () => {
    if (reason) return;
    server = await serve({ isolated: true });
    opened = await open(name, `${server.origin}/empty.html`);
  });
  afterAll(async () => {
    if (reason) return;
    await closePage(opened.page);
    await server.close();
  });

  test.skipIf(reason)(title("gives the figures and the weights of Node, and tells how it goes"), async () => {
    const { result, told } = (await opened.page.evaluate(`(async () => {
      const { run } = await import("/dist/wasmgrad.js");
      const told = [];
      const { result, learner } = await run(${json}, {
        onLoading: (what) => told.push(what),
        onReady: ({ learner }) => told.push(typeof learner.pause),
        callbacks: { onEpochEnd: ({ epoch }) => { told.push(epoch); } },
        onTrained: () => { told.push("trained"); },
      });
      learner.dispose();
      return { result, told };
    })()`)) as { result: RunResult; told: unknown[] };
    expect(lasting(result)).toEqual(JSON.parse(JSON.stringify(lasting(inNode))));
    expect(told).toEqual(["digits", "function", 0, 1, "trained"]);
    const { threads: _, ...configuration } = inNode.configuration;
    expect(result.configuration).toMatchObject(configuration);
  });

  test.skipIf(reason)(
    title("stops before the first step, and fetches a model that has an address"),
    async () => {
      const [stopped, absent] = (await opened.page.evaluate(`(async () => {
      const { run } = await import("/dist/wasmgrad.js");
      const stop = new AbortController();
      const message = (promise) => promise.then(() => "no error", (error) => error.message);
      const few = { digitsCount: 50, digitsTestCount: 10, threads: 1 };
      return [
        await message(run(few, { signal: stop.signal, onBuilt: () => stop.abort(new Error("enough")) })),
        await message(run({ ...few, model: "/models/none.json" })),
      ];
    })()`)) as [string, string];
      expect(stopped).toBe("enough");
      expect(absent).toMatch(/^the model file http.*\/models\/none\.json cannot be loaded: HTTP 404$/);
    },
  );
});
