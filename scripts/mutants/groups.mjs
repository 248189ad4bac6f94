// What is mutated, how a mutant is built, and which tests may notice it: the likeliest first.

const wasm = (builds) => ["node", ["scripts/build-wasm.mjs", ...builds]];
const dist = ["npx", ["tsc", "-p", "tsconfig.build.json"]];

/** `build`: a command that must succeed, or the mutant is none. `emit`: one whose failure is of types alone. */
export const GROUPS = {
  kernels: {
    folders: ["assembly"],
    // The digit generator has a group of its own; peak.ts is a measurement of the machine.
    except: /^assembly\/(digits\/|peak\.ts|index\.ts)/,
    build: wasm(["scalar", "simd"]),
    stages: [
      ["test/kernels", "test/compiler", "test/model"],
      ["test/train", "test/optim", "test/engine"],
    ],
  },
  digits: {
    folders: ["assembly/digits"],
    except: /glyphs\//,
    build: wasm(["digits"]),
    stages: [["test/data"], ["test/train"]],
  },
  engine: {
    folders: ["src/engine"],
    // Generated, and a measurement of the machine; what only browsers run is held by the browser tests.
    except: /(abi|peak|platform\/(browser|web|worker))\.ts$/,
    stages: [
      ["test/engine", "test/abi.test.ts"],
      ["test/kernels", "test/compiler", "test/train"],
    ],
  },
  compiler: {
    folders: ["src/compiler"],
    stages: [["test/compiler"], ["test/model", "test/train", "test/kernels"]],
  },
  model: {
    folders: ["src/model", "src/losses", "src/metrics"],
    stages: [["test/model"], ["test/compiler", "test/train", "test/kernels"]],
  },
  optim: { folders: ["src/optim"], stages: [["test/optim"], ["test/train", "test/model"]] },
  train: {
    folders: ["src/train", "src/formats", "src/safetensors"],
    stages: [
      ["test/train", "test/formats", "test/safetensors"],
      ["test/model", "test/optim", "test/engine"],
    ],
  },
  data: { folders: ["src/data"], except: /(web|web-store)\.ts$/, stages: [["test/data"], ["test/train"]] },
  run: { folders: ["src/cli/run"], emit: dist, stages: [["test/cli"], ["test/report"]] },
};
