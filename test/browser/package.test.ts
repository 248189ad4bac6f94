import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import esbuild from "esbuild";
import { encode } from "fast-png";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { createServer, build as viteBuild } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRuntime } from "../../scripts/runtimes.mjs";
import { generateDigits } from "../../src/data/digits.ts";
import { closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// The package as npm packs it, installed into an empty project.
const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = (name: string) => fileURLToPath(new URL(`pages/${name}`, import.meta.url));
const built = existsSync(join(root, "dist/wasmgrad.js")) && existsSync(join(root, "build/simd.js"));
const noChromium = missing("chromium");
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** A page whose only script is this one. */
const pageOf = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,">${script}`;

describe.skipIf(!built)(
  "the packed package (skipped where dist/ or build/ is missing: npm run build)",
  () => {
    let project = "";
    let tarball = "";
    let packed: string[] = [];
    /** Hash of app.js's weights, from Node. */
    let expected = "";
    const installed = () => join(project, "node_modules", "wasmgrad");

    beforeAll(async () => {
      project = await mkdtemp(join(tmpdir(), "wasmgrad-app-"));
      const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", project];
      const [{ filename, files }] = JSON.parse((await run("npm", pack, { cwd: root })).stdout) as [
        { filename: string; files: { path: string }[] },
      ];
      tarball = join(project, filename);
      packed = files.map(({ path }) => path);
      await writeFile(join(project, "package.json"), '{"type": "module", "private": true}');
      await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball], { cwd: project });
      await writeFile(join(project, "index.html"), pageOf('<script type="module" src="/app.js"></script>'));
      for (const name of ["app.js", "node-app.mjs", "consumer.ts"])
        await copyFile(pages(name), join(project, name));
      expected = (await run(process.execPath, ["node-app.mjs"], { cwd: project })).stdout.trim();
    });
    afterAll(() => rm(project, { recursive: true, force: true }));

    test("holds what runs, and no sources", () => {
      for (const name of ["scalar", "simd", "relaxed", "scalar-all", "simd-all", "relaxed-all", "digits"])
        expect(packed).toEqual(expect.arrayContaining([`build/${name}.wasm`, `build/${name}.js`]));
      for (const path of ["dist/wasmgrad.js", "dist/browser.js", "dist/browser/worker.js", "dist/node.js"])
        expect(packed).toContain(path);
      expect(packed.filter((path) => /^(src|test|assembly|bench|scripts)\//.test(path))).toEqual([]);
      // The documents, the script that browser.md tells people to copy, and the picture that the README predicts; no
      // others, which were most of its bytes.
      expect(packed).toEqual(expect.arrayContaining(["docs/browser.md", "docs/cross-origin-isolation.js"]));
      expect(packed.filter((path) => /\.(png|jpe?g|gif)$/.test(path))).toEqual(["docs/three.png"]);
      expect(packed).toEqual(expect.arrayContaining(["dist/web/index.html", "dist/web/offline.js"]));
    });

    test("works in Node: the README's example trains, the command runs, createTrainer says where it runs", async () => {
      const block = /```js\n([\s\S]*?)```/.exec(await readFile(join(root, "README.md"), "utf8"))?.[1];
      const example = block!
        .replace("generateDigits()", "generateDigits({ train: 320, test: 50 })")
        .replace("epochs: 3", "epochs: 1");
      expect(example).not.toBe(block);
      await writeFile(join(project, "example.js"), example);
      const { stdout } = await run(process.execPath, ["example.js"], { cwd: project });
      expect(stdout).toMatch(/\[ [\d.]+ \] \{ loss: [\d.]+, accuracy: [\d.]+ \}/);
      const imports = `import { createTrainer, dense, loadDataset, sequential } from "wasmgrad";
      const model = sequential([dense({ units: 2, activation: "softmax", inputShape: [2] })]);
      console.log(typeof loadDataset, await createTrainer(model).catch(({ message }) => message));`;
      await writeFile(join(project, "imports.js"), imports);
      const trainer = await run(process.execPath, ["imports.js"], { cwd: project });
      expect(trainer.stdout).toMatch(/^function createTrainer\(\) runs in browsers/);
      const cli = await run("npx", ["--no-install", "wasmgrad", "summary"], { cwd: project });
      expect(cli.stdout).toContain("121,930");
    });

    describe.each([
      { name: "bun", args: [] },
      { name: "deno", args: ["run", "--allow-all"] },
    ] as const)("in $name", ({ name, args }) => {
      const binary = findRuntime(name);
      const reason = binary ? "" : `: no ${name}, run node scripts/runtimes.mjs`;

      test.skipIf(reason)(`trains the same weights, and the command runs${reason}`, async () => {
        const start = (...more: string[]) => run(binary!, [...args, ...more], { cwd: project });
        expect((await start("node-app.mjs")).stdout.trim()).toBe(expected);
        const { stdout } = await start("node_modules/wasmgrad/dist/cli/index.js", "summary");
        expect(stdout).toContain("121,930");
      });
    });

    test("docs/pictures-and-reports.md: a report is written, and a saved model asked about a picture", async () => {
      const text = await readFile(join(root, "docs/pictures-and-reports.md"), "utf8");
      const [train, ask] = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);
      const small = train!
        .replace("generateDigits()", "generateDigits({ train: 640, test: 50 })")
        .replace('"keras-mnist", [', '"mlp", [')
        .replace("epochs: 3", "epochs: 2");
      expect(small.length).not.toBe(train!.length);
      await writeFile(join(project, "train.js"), small);
      await run(process.execPath, ["train.js"], { cwd: project });
      const report = await readFile(join(project, "report.html"), "utf8");
      expect(report).toContain("<title>keras-mnist on digits</title>");
      expect(report).toMatch(/restoreBestWeights[\s\S]*val_accuracy/);
      const { test: set } = await generateDigits({ train: 0, test: 1 });
      const data = set.images.map((light) => 255 - light);
      const png = encode({ width: 28, height: 28, channels: 1, data });
      await writeFile(join(project, "seven.png"), png);
      await writeFile(join(project, "ask.js"), ask!);
      const { stdout } = await run(process.execPath, ["ask.js"], { cwd: project });
      expect(stdout).toMatch(/^\d: [\d.]+ %\n\d, \d, \d\n$/);
    });

    test("publint finds nothing", async () => {
      const { messages, pkg } = await publint({ pkgDir: installed(), pack: false, strict: true });
      expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
    });

    test("are the types wrong? No", async () => {
      const attw = join(root, "node_modules/.bin/attw");
      // It fails where it finds a problem that the profile does not leave out.
      const { stdout } = await run(attw, [
        tarball,
        "--profile",
        "esm-only",
        "--no-color",
        "--format",
        "ascii",
      ]);
      for (const entry of ["wasmgrad", "wasmgrad/element", "wasmgrad/worker"])
        expect(stdout).toMatch(new RegExp(`"${entry}"\\s+node16 \\(from ESM\\): 🟢 .*\\s+bundler: 🟢`));
    });

    test.each([
      ["NodeNext", "NodeNext"],
      ["Node16", "Node16"],
      ["ESNext", "Bundler"],
    ])("its types compile with module %s, resolution %s", async (module, moduleResolution) => {
      const compilerOptions = {
        module,
        moduleResolution,
        target: "ES2022",
        lib: ["ES2023", "DOM"],
        types: [],
        strict: true,
        noEmit: true,
      };
      const config = join(project, `tsconfig.${moduleResolution}.json`);
      await writeFile(config, JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
      const tsc = join(root, "node_modules/.bin/tsc");
      await run(tsc, ["-p", config], { cwd: project }).catch(({ stdout }) => expect(stdout).toBe(""));
    });

    describe.skipIf(noChromium)(`in a page of Chromium${noChromium && `: ${noChromium}`}`, () => {
      /** Opens the application and expects of it the weights that Node trained. */
      async function expectTrained(url: string, isolated: boolean): Promise<void> {
        const { page, errors } = await open("chromium", url);
        await page.waitForFunction("globalThis.result", { timeout: 30_000 });
        const result = (await page.evaluate("result")) as { sha256: string; info: { threads: number } };
        expect(errors).toEqual([]);
        expect(result.sha256).toBe(expected);
        expect(result.info).toMatchObject({ backend: "simd", crossOriginIsolated: isolated });
        expect(result.info.threads > 1).toBe(isolated);
        await closePage(page);
      }
      async function expectServed(options: Parameters<typeof serve>[0], path: string): Promise<void> {
        const server: Server = await serve(options);
        try {
          await expectTrained(`${server.origin}${path}`, options?.isolated !== false);
        } finally {
          await server.close();
        }
      }

      test("Vite's dev server, with no configuration", async () => {
        const server = await createServer({
          root: project,
          configFile: false,
          logLevel: "error",
          server: { host: "127.0.0.1", port: 0, headers: HEADERS },
        });
        await server.listen();
        try {
          await expectTrained(server.resolvedUrls!.local[0]!, true);
        } finally {
          await server.close();
        }
      });

      test("Vite's production build, with no configuration, not isolated", async () => {
        const outDir = join(project, "vite-out");
        // Top-level await is the application's own.
        await viteBuild({
          root: project,
          configFile: false,
          logLevel: "error",
          build: { outDir, target: "es2022" },
        });
        await expectServed({ root: outDir, isolated: false }, "/index.html");
      });

      test("Vite's production build under a policy without blob: workers, workerUrl by ?url", async () => {
        const app = (await readFile(pages("app.js"), "utf8"))
          .replace("test: 100 }", "test: 100, workerUrl }")
          .replace("seed: 2 }", "seed: 2, workerUrl }");
        const source = `import workerUrl from "wasmgrad/worker?url";\n${app}`;
        await writeFile(join(project, "policed.js"), source);
        await writeFile(
          join(project, "policed.html"),
          pageOf('<script type="module" src="/policed.js"></script>'),
        );
        const outDir = join(project, "policed-out");
        const input = join(project, "policed.html");
        await viteBuild({
          root: project,
          configFile: false,
          logLevel: "error",
          build: { outDir, target: "es2022", rolldownOptions: { input } },
        });
        const policy =
          "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";
        await expectServed({ root: outDir, headers: { "Content-Security-Policy": policy } }, "/policed.html");
      });

      test.each([
        ["one file", {}],
        ["split", { splitting: true }],
      ])("esbuild's bundle, %s", async (name, options) => {
        const outdir = join(project, `esbuild-${name.replace(" ", "-")}`);
        await esbuild.build({
          absWorkingDir: project,
          entryPoints: ["app.js"],
          bundle: true,
          format: "esm",
          outdir,
          ...options,
        });
        await writeFile(join(outdir, "index.html"), pageOf('<script type="module" src="app.js"></script>'));
        await expectServed({ root: outdir }, "/index.html");
      });

      test("a plain script tag with an import map", async () => {
        const map = JSON.stringify({ imports: { wasmgrad: "./node_modules/wasmgrad/dist/wasmgrad.js" } });
        const page = pageOf(
          `<script type="importmap">${map}</script><script type="module" src="app.js"></script>`,
        );
        await writeFile(join(project, "map.html"), page);
        await expectServed({ root: project }, "/map.html");
      });

      test("a plain script tag that imports by path", async () => {
        const app = await readFile(pages("app.js"), "utf8");
        const script = app.replace('"wasmgrad"', '"./node_modules/wasmgrad/dist/wasmgrad.js"');
        await writeFile(join(project, "path.html"), pageOf(`<script type="module">${script}</script>`));
        await expectServed({ root: project }, "/path.html");
      });
    });
  },
);
