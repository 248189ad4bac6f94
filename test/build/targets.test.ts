import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { filesBelow } from "../../scripts/build/freshness.mjs";
import { GOALS, root, targets } from "../../scripts/build/targets.mjs";

const named = (name: string) => targets.find((target) => target.name === name)!;
const inputsOf = (name: string) => {
  const { inputs, except } = named(name);
  return new Set(inputs.flatMap((path) => filesBelow(root, path)).filter((path) => !except?.(path)));
};
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** Files that a module names by relative paths, from the root. */
const imports = (path: string) =>
  [...read(path).matchAll(/(?:from|import|import\()\s*"(\.[^"]*)"/g)].map(([, name]) =>
    posix.join(posix.dirname(path), name!.replace(/\?\w+$/, "")),
  );

test("where nothing is installed yet, a build says what to do", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-not-installed-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
  await cp(join(root, "package.json"), join(folder, "package.json"));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/build.mjs"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: "",
    stderr: "the packages that builds need are not installed: run npm ci first\n",
  });
});

describe("a file that is read is an input: its change is noticed", () => {
  test("of the compiler of types", () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const files = execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--listFilesOnly"], {
      cwd: root,
      encoding: "utf8",
    })
      .split("\n")
      .filter((path) => path.startsWith(root.replaceAll("\\", "/")) && !path.includes("/node_modules/"))
      .map((path) => path.slice(root.length));
    expect(files.length).toBeGreaterThan(100);
    const declared = inputsOf("types");
    // Types of embedded modules are the same whatever is embedded.
    expect(files.filter((path) => !declared.has(path) && !/^build\/[\w-]+\.d\.ts$/.test(path))).toEqual([]);
  });

  test.each(["workers", "bundles", "page"])("of sources: %s", (name) => {
    const declared = inputsOf(name);
    const sources = [...declared].filter((path) => path.startsWith("src/") && /\.tsx?$/.test(path));
    // Workers get their kernels from the page.
    const foreign = (path: string) =>
      !declared.has(path) && !(name === "workers" && path.startsWith("build/"));
    expect([...new Set(sources.flatMap(imports))].filter(foreign)).toEqual([]);
  });

  test("of kernels: they import nothing from elsewhere", () => {
    const core = inputsOf("kernels-simd");
    const digits = inputsOf("kernels-digits");
    const ts = (path: string) => `${path}.ts`;
    for (const declared of [core, digits])
      for (const path of declared)
        if (/^assembly\/.*\.ts$/.test(path))
          for (const other of imports(path)) expect(declared.has(ts(other)), `${path}: ${other}`).toBe(true);
    expect(core.has("assembly/gemm.ts") && digits.has("assembly/digits/index.ts")).toBe(true);
    expect(core.has("assembly/digits/index.ts")).toBe(false);
  });

  test("of the scripts that build", () => {
    for (const { inputs, name } of targets) {
      const declared = new Set(inputs.flatMap((path) => filesBelow(root, path)));
      const scripts = [...declared].filter((path) => /^scripts\/.*\.mjs$/.test(path));
      expect(scripts.length, name).toBeGreaterThan(5);
      for (const path of scripts)
        for (const other of imports(path))
          if (other.startsWith("scripts/")) expect(declared.has(other), `${path}: ${other}`).toBe(true);
    }
  });

  test.each([
    ["types", "tsconfig.build.json"],
    ["page", "vite.config.ts"],
    ["page", "src/web/index.html"],
    ["page", "src/web/public/favicon.svg"],
    ["kernels-relaxed", "asconfig.json"],
    ["bundles", "package-lock.json"],
    ["bundles", "build/simd.js"],
    ["page", "dist/browser/worker.js"],
  ])("%s: %s", (name, path) => {
    expect(named(name).inputs.some((input) => path === input || path.startsWith(`${input}/`))).toBe(true);
    expect(named(name).except?.(path) ?? false).toBe(false);
  });
});

test("what one target makes and another reads is made first", () => {
  for (const { name, inputs, needs = [] } of targets)
    for (const input of inputs) {
      const module = /^build\/([\w-]+)\.js$/.exec(input)?.[1];
      if (input === "dist/browser/worker.js" || module?.endsWith("-worker"))
        expect(needs, name).toContain("workers");
      else if (module) expect(needs, name).toContain(`kernels-${module}`);
    }
  for (const goal of Object.values(GOALS)) for (const name of goal) expect(named(name)).toBeDefined();
});
