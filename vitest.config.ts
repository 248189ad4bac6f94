import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Tests in browsers that take long: npm test leaves them, and those in Bun and Deno, to npm run test:all, which CI runs. */
const LONG = [
  "backup",
  "bench",
  "bits",
  "blocking",
  "data",
  "docs",
  "element",
  "element-properties",
  "faults",
  "frameworks",
  "frozen",
  "package",
  "page",
  "page-branches",
  "page-callbacks",
  "page-faults",
  "page-files",
  "page-interrupted",
  "page-layout",
  "page-look",
  "page-offline",
  "page-pictures",
  "page-quality",
  "page-settings",
  "page-teach",
  "page-visits",
  "page-thread",
  "page-vary",
  "report",
  "static-host",
  "trainer",
  "webkit",
];
/** The like in Node: what runs others' programs, or many of ours, for long. */
const LONG_NODE = [
  "bench/bench",
  "bench/inference",
  "bench/measure",
  "build/run",
  "build/typed-once",
  "cli/base",
  "cli/base-formats",
  "cli/config",
  "cli/convert",
  "cli/data-preview",
  "cli/images",
  "cli/interrupt",
  "cli/memory",
  "cli/pictures",
  "cli/resume-crash",
  "cli/run-crash",
  "cli/run-folder",
  "cli/teach",
  "cli/usage",
  "data/docs",
  "engine/protocol",
  "interchange/keras-models",
  "interchange/keras-real",
  "interchange/keras-training",
  "interchange/onnx-models",
  "interchange/onnx-testdata",
  "interchange/onnx-written",
  "interchange/torch-layers",
  "interchange/torchvision",
  "run/stream",
  "sources/stream-memory",
  "wide/paired",
  "wide/wide",
];
const leftOut =
  process.env.WASMGRAD_TESTS === "all"
    ? []
    : [
        "test/runtimes/**",
        ...LONG.map((name) => `test/browser/${name}.test.ts`),
        ...LONG_NODE.map((name) => `test/${name}.test.ts`),
      ];

export default defineConfig({
  resolve: {
    alias: {
      "#platform": fileURLToPath(new URL("./src/engine/platform/node.ts", import.meta.url)),
      "#interchange": fileURLToPath(new URL("./src/interchange/files.ts", import.meta.url)),
    },
  },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**", "test/frameworks/**", ...leftOut],
          // Vitest leaves one processor to itself: half of them, where there are two.
          maxWorkers: "100%",
        },
      },
      {
        // After the others, and one file at a time in one process: browsers need the cores, and are started once for all.
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          exclude: leftOut,
          globalSetup: "test/browser/support/end-browsers.ts",
          pool: "forks",
          isolate: false,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          // A browser that starts on a busy machine takes its time: it is waited for, and nothing is tried twice.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
