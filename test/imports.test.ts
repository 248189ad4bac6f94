import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Files of src/, and those that each imports at run time: types leave nothing behind. */
async function importsOfSources(): Promise<Map<string, string[]>> {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => `src/${name.replaceAll("\\", "/")}`);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: sources,
    bundle: true,
    splitting: true,
    format: "esm",
    outdir: "out",
    write: false,
    metafile: true,
    packages: "external",
    plugins: [
      {
        name: "only-sources",
        setup({ onResolve }) {
          onResolve({ filter: /\.css$|\?url$|\/build\/|^#platform$|^#interchange$/ }, ({ path }) => ({
            path,
            external: true,
          }));
        },
      },
    ],
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
  });
  return new Map(
    Object.entries(metafile.inputs).map(([file, { imports }]) => [
      file,
      // A module that is loaded on demand is there when it is needed.
      imports
        .filter(({ external, kind }) => !external && kind === "import-statement")
        .map(({ path }) => path),
    ]),
  );
}

it("no module of src/ imports itself by way of others: bundlers warn users of that", async () => {
  const imports = await importsOfSources();
  expect(imports.size).toBeGreaterThan(150);
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push([...path.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});
