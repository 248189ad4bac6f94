import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import { namedModel } from "../../src/model/models.ts";
import { sequential } from "../../src/train/sequential.ts";
import { closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

/** As test/frameworks/shared.ts has it. */
declare global {
  interface Window {
    told: { readonly types: string[]; readonly epochs: number[]; readonly errors: string[] };
  }
}

// Applications of test/frameworks use the packed package: compiled by their own tools, bundled with the development builds
// of their frameworks, which complain, and used as a visitor does.
const APPS = ["plain", "react", "vue", "svelte", "solid", "preact"];
const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = fileURLToPath(new URL("../frameworks/", import.meta.url));
const bin = (name: string) => join(folder, "node_modules/.bin", name);
const installed = existsSync(bin("vite"));
const built = existsSync(join(root, "dist/element/index.js"));
const missingParts = installed
  ? "no dist/, run npm run build"
  : "not installed, run npm --prefix test/frameworks ci";
const reason = installed && built ? "" : missingParts;
const noChromium = reason || missing("chromium");

describe.skipIf(reason)(`<wasmgrad-trainer> in frameworks${reason && `: ${reason}`}`, () => {
  beforeAll(async () => {
    const temporary = await mkdtemp(join(tmpdir(), "wasmgrad-frameworks-"));
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", temporary];
    const [{ filename }] = JSON.parse((await run("npm", pack, { cwd: root })).stdout) as [
      { filename: string },
    ];
    // Its dependencies are found in the checkout's node_modules, a few folders up.
    const target = join(folder, "node_modules/wasmgrad");
    await rm(target, { recursive: true, force: true });
    await mkdir(target);
    await run("tar", ["-xzf", join(temporary, filename), "-C", target, "--strip-components=1"]);
    await rm(temporary, { recursive: true });
  });

  test.each([
    ["plain", "tsc", ["-p", "plain"]],
    ["react", "tsc", ["-p", "react"]],
    ["preact", "tsc", ["-p", "preact"]],
    ["solid", "tsc", ["-p", "solid"]],
    ["vue", "vue-tsc", ["-p", "vue"]],
    [
      "svelte",
      "svelte-check",
      ["--workspace", "svelte", "--tsconfig", "./tsconfig.json", "--fail-on-warnings"],
    ],
  ])("%s: its types hold, and refuse what is wrong", { timeout: 180_000 }, async (_, tool, args) => {
    await run(bin(tool), args, { cwd: folder }).catch(({ stdout, stderr }) =>
      expect(stdout + stderr).toBe(""),
    );
  });

  describe.skipIf(noChromium)(`in Chromium${noChromium && `: ${noChromium}`}`, () => {
    let server: Server;
    let expected: unknown;
    beforeAll(async () => {
      const args = ["build", "--mode", "development", "--logLevel", "error"];
      await run(bin("vite"), args, { cwd: folder, env: { ...process.env, NODE_ENV: "development" } });
      server = await serve({ root: join(folder, "dist") });
      const { train } = await generateDigits({ train: 640, test: 100 });
      const model = sequential(namedModel("keras-mnist", [28, 28, 1], 10));
      await model.compile({ threads: 1, seed: 7 });
      const fit = {
        epochs: 2,
        batchSize: 64,
        validationSplit: 0.2,
        restoreBestWeights: "val_accuracy",
      } as const;
      expected = (await model.fit(train, fit)).history;
      model.dispose();
    });
    afterAll(() => server?.close());

    test.each(APPS)(
      "%s: properties are set, a state changes one, events arrive, both trainers end",
      async (app) => {
        const { page, errors } = await open("chromium", `${server.origin}/${app}/index.html`);
        // The second trainer starts by itself, on the page's own images.
        await page.waitForFunction(
          () => document.querySelector<HTMLElementTagNameMap["wasmgrad-trainer"]>("#own")?.state === "done",
          { timeout: 30_000 },
        );
        await page.click("#more");
        await page.waitForFunction(() => document.querySelector("#more")?.textContent === "epochs: 2");
        await page.click("#start");
        await page.waitForFunction(() => window.told.types.includes("complete"), { timeout: 30_000 });
        const { told, first, own } = await page.evaluate(() => {
          const of = (id: string) => {
            const element = document.querySelector<HTMLElementTagNameMap["wasmgrad-trainer"]>(`#${id}`)!;
            const { data, epochs, batchSize, train, seed, history, className } = element;
            return {
              data: typeof data === "string" ? data : data.name,
              epochs,
              batchSize,
              train,
              seed,
              history,
              className,
            };
          };
          return { told: window.told, first: of("first"), own: of("own") };
        });
        expect(told).toEqual({ types: ["ready", "epoch", "epoch", "complete"], epochs: [0, 1], errors: [] });
        expect(first).toMatchObject({
          data: "digits",
          epochs: 2,
          batchSize: 64,
          train: 640,
          seed: 7,
          className: "framed",
        });
        expect(first.history).toEqual(expected);
        expect(own).toMatchObject({ data: "halves", epochs: 1 });
        expect(own.history.loss).toHaveLength(1);
        expect(errors).toEqual([]);
        await closePage(page);
      },
    );
  });
});
