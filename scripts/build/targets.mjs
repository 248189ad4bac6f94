// What is built from what. Inputs name all that a build may read: test/build/targets.test.ts holds them to what tools say
// that they have read.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WASM, WIDE, WORKERS } from "../embed.mjs";
import { BuildError } from "./run.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const node = process.execPath;

/** Builds themselves: a change to one builds all anew. */
const SCRIPTS = [
  "scripts/build",
  "scripts/abi.mjs",
  "scripts/dispatch.mjs",
  "scripts/host-declarations.mjs",
  "scripts/host-expressions.mjs",
  "scripts/build-wasm.mjs",
  "scripts/build-browser.mjs",
  "scripts/bundle.mjs",
  "scripts/embed.mjs",
  "scripts/pairs.mjs",
];
/** Which packages are asked for, and which are installed. */
const PACKAGES = ["package.json", "package-lock.json", "node_modules/.package-lock.json"];
const isPage = (path) => path.startsWith("src/web/");
const modules = [...WASM, ...WORKERS].map((name) => `build/${name}.js`);

/** npm's list of what it has installed. @throws {BuildError} where there is none */
function installed() {
  try {
    return readFileSync(join(root, "node_modules/.package-lock.json"), "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    throw new BuildError("the packages that builds need are not installed: run npm ci first");
  }
}

/** Kernels do not depend on other packages, and take long. */
function compilers() {
  const { packages } = JSON.parse(installed());
  return ["assemblyscript", "binaryen", "long"]
    .map((name) => `${name} ${packages[`node_modules/${name}`]?.version}`)
    .join(", ");
}

const step = (name) => (staging) => [node, ["scripts/build/step.mjs", name, staging]];
const kernels = [...WASM, ...WIDE].map((name) => ({
  name: `kernels-${name}`,
  label: name === "digits" ? "the digit generator" : `kernels (${name})`,
  needs: name === "digits" ? [] : ["abi"],
  inputs: [name === "digits" ? "assembly/digits" : "assembly", "asconfig.json", ...SCRIPTS],
  except: (path) => name !== "digits" && path.startsWith("assembly/digits/"),
  salt: compilers(),
  build: (staging) => [node, ["scripts/build-wasm.mjs", "--into", staging, name]],
}));

/** @type {readonly import("./freshness.mjs").Target[]} */
export const targets = [
  {
    name: "abi",
    label: "the kernels' interface",
    quiet: true,
    inputs: ["assembly", ...SCRIPTS],
    except: (path) => path === "assembly/dispatch.ts",
    build: step("abi"),
  },
  {
    name: "declarations",
    label: "types of embedded modules",
    quiet: true,
    inputs: SCRIPTS,
    build: step("declarations"),
  },
  ...kernels,
  {
    name: "types",
    label: "TypeScript",
    needs: ["abi", "declarations"],
    inputs: ["src", "tsconfig.json", "tsconfig.build.json", ...SCRIPTS, ...PACKAGES],
    except: isPage,
    build: (staging) => [
      node,
      ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", join(staging, "dist")],
    ],
  },
  {
    name: "workers",
    label: "worker scripts",
    needs: ["abi"],
    inputs: ["src", "tsconfig.json", ...SCRIPTS, ...PACKAGES],
    except: isPage,
    build: (staging) => [node, ["scripts/build-browser.mjs", staging, "workers"]],
  },
  {
    name: "bundles",
    label: "bundles for browsers",
    needs: ["workers", ...kernels.map(({ name }) => name)],
    inputs: ["src", "tsconfig.json", ...modules, ...SCRIPTS, ...PACKAGES],
    except: isPage,
    build: (staging) => [node, ["scripts/build-browser.mjs", staging, "bundles"]],
  },
  {
    name: "page",
    label: "the page",
    folder: "dist/web",
    needs: ["workers", ...kernels.map(({ name }) => name)],
    inputs: [
      "src",
      "vite.config.ts",
      "tsconfig.json",
      "dist/browser/worker.js",
      ...modules,
      ...SCRIPTS,
      ...PACKAGES,
    ],
    build: (staging) => [
      node,
      ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--outDir", join(staging, "dist/web")],
    ],
  },
];

const wasm = ["abi", ...kernels.map(({ name }) => name)];
/** What is asked for by one word. `cli`: what the command line runs. */
export const GOALS = {
  wasm,
  cli: [...wasm, "types"],
  package: [...wasm, "types", "bundles"],
  page: [...wasm, "types", "bundles", "page"],
};
