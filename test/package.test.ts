import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../", import.meta.url));
const built = existsSync(join(root, "dist/index.js")) && existsSync(join(root, "build/simd.wasm"));

/** The first `js` block of the README, with fewer images and epochs so that it ends soon. */
async function readmeExample(): Promise<string> {
  const block = /```js\n([\s\S]*?)```/.exec(await readFile(join(root, "README.md"), "utf8"))?.[1];
  if (!block) throw new Error("README.md has no js block");
  const short = block
    .replace("generateDigits()", "generateDigits({ train: 320, test: 50 })")
    .replace("epochs: 3", "epochs: 1");
  expect(short).not.toBe(block);
  return short;
}

// Without scripts, npm packs what is there: build and dist must be.
describe.skipIf(!built)("the packed package (skipped where dist/ or build/*.wasm is missing)", () => {
  test("works where it is unpacked: the README's example trains, the command runs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wasmgrad-pack-"));
    try {
      const { stdout } = await run(
        "npm",
        ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
        {
          cwd: root,
        },
      );
      const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
      const paths = files.map(({ path }) => path);
      for (const name of ["scalar", "simd", "relaxed", "digits"])
        expect(paths).toContain(`build/${name}.wasm`);
      expect(paths.filter((path) => /^(src|test|assembly|bench)\//.test(path))).toEqual([]);

      const installed = join(folder, "node_modules", "wasmgrad");
      await mkdir(installed, { recursive: true });
      await run("tar", ["xzf", join(folder, filename), "--strip-components=1", "-C", installed]);
      await symlink(join(root, "node_modules"), join(installed, "node_modules"));
      await writeFile(join(folder, "package.json"), '{"type": "module"}');
      await writeFile(join(folder, "example.js"), await readmeExample());
      const example = await run(process.execPath, ["example.js"], { cwd: folder });
      expect(example.stdout).toMatch(/\[ [\d.]+ \] \{ loss: [\d.]+, accuracy: [\d.]+ \}/);
      const imports = `import { loadDataset, loadModel, saveModel } from "wasmgrad";
        console.log(typeof loadDataset, typeof loadModel, typeof saveModel)`;
      await writeFile(join(folder, "imports.js"), imports);
      expect((await run(process.execPath, ["imports.js"], { cwd: folder })).stdout).toBe(
        "function function function\n",
      );
      const cli = await run(process.execPath, [join(installed, "dist/cli/index.js"), "summary"], {
        cwd: folder,
      });
      expect(cli.stdout).toContain("121,930");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
