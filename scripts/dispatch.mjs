// assembly/dispatch.ts, the switches over all kernels, from the sources: a kernel is an exported function of its arguments class,
// a task and scratch. Those of assembly/further/ are in the builds called -all alone, and count on from the others.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const WIDTH = 120;
const root = new URL("../", import.meta.url);

const KERNEL = /^export function (\w+)\(\w+: (\w+Args), task: i32, scratch: usize\): void \{$/gm;
const LIKE_ONE = /^export function \w+\([^)]*\btask: i32, scratch: usize\)/gm;

/**
 * What only trainings, drawing and measuring call: the builds called predict leave it out. test/interchange/predictor.test.ts holds
 * this to what layers call when a model is asked.
 */
const NOT_ASKED = {
  files: [
    "batchnorm-backward",
    "clip",
    "convpool-backward",
    "loss",
    "metrics",
    "optimizer",
    "peak",
    // Of a page's or Node's own arithmetic in the file.
    "pixels",
    "random",
    "winograd-gradient",
    "further/augment",
    "further/focal",
    "further/gaussian",
    "further/loss",
    "further/optimizer",
    "further/regularize",
  ],
  kernels:
    /Backward|Gamma$|^(addInto|batchNormConstants|batchNormStatistics|columnSum|fill|reverseTaps|sumB\w+)$/,
  /** Forward passes of transposed convolutions. */
  but: ["conv2dBackwardInput"],
};

/** Kernels, [name, arguments class], and argument classes of each file of a folder. */
function declarationsIn(dir, folder = "") {
  if (!existsSync(dir)) return [];
  const files = readdirSync(dir)
    .filter((file) => file.endsWith(".ts") && file !== "dispatch.ts")
    .sort();
  return files.map((file) => {
    const text = readFileSync(new URL(file, dir), "utf8");
    const left = NOT_ASKED.files.includes(folder + file.replace(/\.ts$/, ""));
    const kernels = [...text.matchAll(KERNEL)].map(([, name, args]) => {
      const asked = !left && !NOT_ASKED.kernels.test(name);
      return [name, args, asked || NOT_ASKED.but.includes(name)];
    });
    const alike = [...text.matchAll(LIKE_ONE)].length;
    if (kernels.length !== alike)
      throw new Error(
        `${file}: read ${kernels.length} of ${alike} kernels: one is 'export function name(args: NameArgs, task: i32, scratch: usize): void {'`,
      );
    const classes = [...text.matchAll(/^export class (\w+Args) \{/gm)].map(([, name]) => name);
    return { file: folder + file.replace(/\.ts$/, ""), kernels, classes };
  });
}

/** The text of assembly/dispatch.ts, from the sources in a folder. */
export function dispatchSource(dir = new URL("assembly/", root)) {
  const core = declarationsIn(dir);
  const further = declarationsIn(new URL("further/", dir), "further/");
  const declared = [...core, ...further];
  const kernels = declared.flatMap(({ kernels }) => kernels);
  const names = kernels.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new Error(`two kernels are called ${twice}`);
  const used = new Set(kernels.map(([, args]) => args));
  const classes = new Set(declared.flatMap(({ classes }) => classes));
  const lacking = [...used].find((args) => !classes.has(args));
  if (lacking) throw new Error(`a kernel reads ${lacking}, which no exported class declares`);
  const imports = declared.flatMap((own) => {
    const list = [...own.classes.filter((name) => used.has(name)), ...own.kernels.map(([name]) => name)];
    return list.length > 0 ? importOf(list, own.file) : [];
  });
  const coreKernels = core.flatMap(({ kernels }) => kernels).length;
  const cases = (list, first) =>
    list.flatMap(([name, args, asked], i) => {
      const call = `${name}(changetype<${args}>(args), task, scratch);`;
      return [
        ...(asked ? [] : ["    // @ts-ignore: of the command that builds"]),
        `    case ${first + i}: ${asked ? call : `if (TRAINING) ${call} else unreachable();`} break;`,
      ];
    });
  return [
    "// Written by scripts/dispatch.mjs from the other files here: do not edit.",
    ...imports,
    "",
    "/** Runs one task of a kernel. A switch, because first-class functions stay indirect calls in AssemblyScript. */",
    "export function dispatch(id: i32, args: usize, task: i32, scratch: usize): void {",
    "  switch (id) {",
    ...cases(kernels.slice(0, coreKernels), 0),
    "    default:",
    "      // @ts-ignore: of the command that builds",
    "      if (ALL_KERNELS) dispatchFurther(id, args, task, scratch);",
    "      else unreachable();",
    "  }",
    "}",
    "",
    "/** The kernels of further/, which the builds called -all have. */",
    "function dispatchFurther(id: i32, args: usize, task: i32, scratch: usize): void {",
    "  switch (id) {",
    ...cases(kernels.slice(coreKernels), coreKernels),
    "    default: unreachable();",
    "  }",
    "}",
    "",
  ].join("\n");
}

/** An import, in lines that are not too long. */
function importOf(names, file) {
  const from = JSON.stringify(`./${file}`);
  const line = `import { ${names.join(", ")} } from ${from};`;
  if (line.length <= WIDTH) return [line];
  const lines = [""];
  for (const name of names) {
    const last = lines.at(-1);
    if (last.length + name.length + 4 > WIDTH) lines.push(`${name},`);
    else lines[lines.length - 1] = `${last}${last && " "}${name},`;
  }
  return ["import {", ...lines.map((line) => `  ${line}`), `} from ${from};`];
}

export function writeDispatch() {
  const file = new URL("assembly/dispatch.ts", root);
  const next = dispatchSource();
  let now = "";
  try {
    now = readFileSync(file, "utf8");
  } catch {}
  if (now !== next) writeFileSync(file, next);
}
