// How this package's browser code is bundled: one setting for all that is shipped.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { minify } from "terser";

const TARGET = ["es2022", "chrome115", "firefox115", "safari16.4"];
const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * Bundles TypeScript sources for browsers, minified. Modules of build/ (kernels, worker script) stay modules of their own,
 * loaded on demand, unless `embed` is set. `apart`: what files called further.ts, extra.ts and frozen.ts do comes from scripts of their own.
 * @param {{ entry: string, outfile?: string, platform?: "browser" | "worker", format?: "esm" | "iife", embed?: boolean, apart?: boolean }} options
 *   paths from the package's root; `outfile`, in a folder beside build/, is where the bundle is going to lie
 * @returns {Promise<string>} the bundle: written by who asks
 */
export async function bundle({
  entry,
  outfile,
  platform = "browser",
  format = "esm",
  embed = false,
  apart = false,
}) {
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format,
    target: TARGET,
    alias: { "#platform": `./src/engine/platform/${platform}.ts` },
    plugins: [
      ...(embed ? [allKernels] : [buildModules(outfile)]),
      ...(platform === "worker" ? [unchecked, wordless, kernelTable(apart)] : []),
      ...(apart ? [further] : []),
    ],
    legalComments: "none",
    outfile: outfile ?? "out.js",
    write: false,
    logLevel: "warning",
  });
  const { text } = result.outputFiles[0];
  return platform === "worker" ? smaller(withKernelTable(text)) : text;
}

/**
 * Bundles what reads and writes models of other frameworks, a file for what is needed at once and others for what is not; all
 * of it, packages as well, so that it serves pages with a bundler and without.
 * @param {string} folder where the files go
 */
export async function bundleFormats(folder) {
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["src/interchange/files.ts"],
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: TARGET,
    alias: { "#platform": "./src/engine/platform/browser.ts" },
    plugins: [buildModules("dist/formats-on-demand/files.js")],
    legalComments: "none",
    chunkNames: "[name]-[hash]",
    outdir: folder,
    logLevel: "warning",
  });
}

/** Workers come as they are, through no bundler of the user's: another minifier gets a twenty-fifth more out of them. */
async function smaller(script) {
  const { code } = await minify(script, {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 3, pure_getters: true, unsafe_arrows: true, unsafe: true },
  });
  return `${code}\n`;
}

/** In one file the builds that have all kernels stand for those that have not. */
const allKernels = {
  name: "all-kernels",
  setup(build) {
    build.onResolve({ filter: /\/build\/(scalar|simd|relaxed)\.js$/ }, ({ path }) => ({
      path: `${root}build/${/(\w+)\.js$/.exec(path)[1]}-all.js`,
    }));
  },
};

/** import("../../../build/simd.js") of a source becomes an import of the same file, from where the bundle lies. */
function buildModules(outfile = "dist/out.js") {
  const up = "../".repeat(outfile.split("/").length - 1);
  return {
    name: "build-modules",
    setup(build) {
      // Formats of models are a bundle of their own, for those who have a file of one.
      build.onResolve({ filter: /^#interchange$/ }, () => ({
        path: "./formats-on-demand/files.js",
        external: true,
      }));
      // Reports are a bundle of their own, for those who write one.
      build.onResolve({ filter: /^\.\.\/report\/index\.ts$/ }, ({ kind }) =>
        kind === "dynamic-import" ? { path: "./report.js", external: true } : undefined,
      );
      build.onResolve({ filter: /^\.\.\/.*\bbuild\/[\w-]+\.js$/ }, ({ path }) => ({
        path: path.replace(/^(\.\.\/)+/, up),
        external: true,
      }));
    },
  };
}

/**
 * The page checks options, samples and losses before it sends them. Modules named check*.ts and options.ts hold checks, and
 * the tables that those read: in workers, what they export does nothing and gives nothing, so nothing there may ask them
 * anything. No more does training.ts, as workers step to the end; and kernels come from the page.
 */
const unchecked = {
  name: "unchecked",
  setup(build) {
    build.onResolve({ filter: /\/kernels\.ts$/ }, () => ({ path: `${root}src/engine/given-kernels.ts` }));
    build.onLoad(
      {
        filter:
          /[\\/]src[\\/](compiler|losses|metrics|optim|options|train|data)[\\/](check[\w-]*|options|training)\.ts$/,
      },
      ({ path }) => {
        const names = readFileSync(path, "utf8").matchAll(/^export (?:const|function|class) (\w+)/gm);
        return { contents: Array.from(names, ([, name]) => `export function ${name}() {}`).join("\n") };
      },
    );
  },
};

/** The page puts errors into words. */
const wordless = {
  name: "wordless",
  setup(build) {
    build.onResolve({ filter: /\/words\.ts$/ }, () => ({ path: `${root}src/browser/host/unspoken.ts` }));
  },
};

/** Trainings that need further.ts, frozen.ts or an extra.ts have it before the script. */
const further = {
  name: "further",
  setup(build) {
    build.onResolve({ filter: /\/(further|extra|frozen)\.ts$/ }, () => ({
      path: `${root}src/browser/host/given.ts`,
    }));
  },
};

const TABLE = "the lines of the kernels that this script calls";

/** Workers carry of the table of kernels what their script has a use for; see withKernelTable(). */
function kernelTable(apart) {
  return {
    name: "kernel-table",
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/]engine[\\/]abi\.ts$/ }, ({ path }) => ({
        loader: "ts",
        contents: readFileSync(path, "utf8").replace(/`[^`]*`(?=;\s*$)/, () =>
          apart
            ? `${JSON.stringify(TABLE)} + (globalThis.wasmgradFurther?.KERNEL_TABLE ?? "")`
            : JSON.stringify(TABLE),
        ),
      }));
    },
  };
}

/** A kernel that is called is named in the script. */
function withKernelTable(script) {
  const [, table] = /KERNEL_TABLE = `([^`]*)`/.exec(readFileSync(`${root}src/engine/abi.ts`, "utf8"));
  const words = new Set(script.match(/\w+/g));
  const lines = table.split("\n").flatMap((line) => {
    const [kernels, struct] = line.split(": ");
    const called = kernels.split(" ").filter((kernel) => words.has(kernel.replace(/^\d+/, "")));
    return called.length > 0 ? [`${called.join(" ")}: ${struct}`] : [];
  });
  return script.replace(JSON.stringify(TABLE), () =>
    JSON.stringify(lines.map((line) => `${line}\n`).join("")),
  );
}
