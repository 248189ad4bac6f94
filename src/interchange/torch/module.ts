// The text of a module of PyTorch that computes what a model does.
import type { Model } from "../../train/model.ts";
import { channelsFirst } from "../places.ts";
import type { Lack, PortableModel } from "../portable.ts";
import { type Call, callsOf } from "./calls.ts";
import { ownersOf } from "./forms.ts";
import { TO_PYTORCH, type Writing } from "./layers.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { moduleNames } from "./names.ts";
import { HELPERS, type Helper, py } from "./python.ts";

interface Line {
  readonly to: string;
  readonly output: string;
  readonly comment: string | undefined;
}

/** The module, and what of the model PyTorch lacks. */
export function moduleOf(
  model: Model,
  metadata: PortableModel["metadata"],
  name: string,
  file: string,
): { text: string; lacks: Lack[] } {
  const all = callsOf(model);
  const { calls, inputs, outputs, shapes } = all;
  const layout = layoutOf(all);
  const paths = moduleNames(ownersOf(all).map(({ name }) => name));
  const variables = variablesOf(all);
  const helpers = new Set<Helper>();
  const lacks: Lack[] = [];
  const made: string[] = [];
  const lines: Line[] = [];
  const still: string[] = [];
  for (const call of calls) {
    const path = paths.get(call.name) ?? call.name;
    const found = TO_PYTORCH[call.type]!(writingOf(call, layout, path, variables, helpers));
    if (typeof found === "string") {
      lacks.push({ layer: call.name, uses: found, nearest: "none" });
      continue;
    }
    lines.push({ to: variables.get(call.reference)!, output: found.output, comment: found.comment });
    if (call.again || !found.module) continue;
    const module = `${found.module}${call.trainable ? "" : ".requires_grad_(False)"}`;
    const plain = isAttribute(path);
    if (!plain) helpers.add("add_module");
    made.push(plain ? `self.${path} = ${module}` : `add_module(self, ${py(path)}, ${module})`);
    for (const tensor of call.trainable ? (found.constant ?? []) : [])
      made.push(`${moduleAt(path)}.${tensor}.requires_grad_(False)`);
    if (call.type === "batchNormalization" && !call.trainable) still.push(moduleAt(path));
  }
  const args = inputs.map((value) => variables.get(value)!);
  const results = outputs.map((value) =>
    layout.held(value) === "same" && shapes.get(value)!.length > 1
      ? used(helpers, "channels_first", variables.get(value)!)
      : variables.get(value)!,
  );
  const body = lines.flatMap(({ to, output, comment }) => [
    ...(comment === undefined ? [] : [`# ${comment}`]),
    ...(to === output ? [] : [`${to} = ${output}`]),
  ]);
  const shapeOf = (value: string) => {
    const shape = shapes.get(value)!;
    return `(batch, ${channelsFirst(shape).join(", ")})`;
  };
  const indented = (code: readonly string[], by: number) => code.map((line) => `${" ".repeat(by)}${line}`);
  const text = [
    `"""A model of wasmgrad as a module of PyTorch; its weights are in ${name.replace(/[^\w .-]/g, "_")}.safetensors.`,
    "",
    `    from ${file} import load`,
    "",
    "    model = load()",
    `    y = model(${inputs.map((value) => `torch.rand${shapeOf(value).replace("batch", "1")}`).join(", ")})`,
    "",
    ...preprocessingLines(metadata),
    '"""',
    "",
    "import json",
    ...(made.some((line) => line.includes("OrderedDict(")) ? ["from collections import OrderedDict"] : []),
    "from pathlib import Path",
    "",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import nn",
    "",
    ...(metadata.classNames ? [`CLASS_NAMES = ${listOf(metadata.classNames)}`, ""] : []),
    ...[...helpers].sort().flatMap((helper) => ["", HELPERS[helper], ""]),
    "",
    "class Net(nn.Module):",
    `    """Takes ${inputs.map(shapeOf).join(" and ")}, channels first; gives ${outputs.map(shapeOf).join(" and ")}."""`,
    "",
    "    def __init__(self):",
    "        super().__init__()",
    ...indented(made, 8),
    "",
    `    def forward(self, ${args.join(", ")}):`,
    ...indented([...body, `return ${results.join(", ")}`], 8),
    ...(still.length > 0
      ? [
          "",
          "    def train(self, mode=True):",
          "        super().train(mode)",
          "        # Frozen: with the statistics that they have.",
          ...indented(
            still.map((module) => `${module}.eval()`),
            8,
          ),
          "        return self",
        ]
      : []),
    "",
    "",
    LOADING.replace("NAME", () => py(`${name}.safetensors`)),
    "",
  ].join("\n");
  return { text: text.replace(/\n{4,}/g, "\n\n\n"), lacks };
}

const LOADING = `def load_weights(path):
    """A state_dict, as safetensors.torch.load_file(path) gives it."""
    data = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    state = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            numbers = torch.frombuffer(data, dtype=torch.float32, count=(last - first) // 4, offset=start + first)
            state[name] = numbers.reshape(entry["shape"])
    return state


def load(path=Path(__file__).with_name(NAME)):
    """The model with its weights, as for use; call train() to go on with its training."""
    model = Net()
    model.load_state_dict(load_weights(path))
    return model.eval()`;

const listOf = (names: readonly string[]) => `[${names.map((name) => py(name)).join(", ")}]`;

function preprocessingLines({ preprocessing }: PortableModel["metadata"]): string[] {
  const { scale = 1 / 255, offset = 0 } = preprocessing ?? {};
  return [
    `It takes floats, channels first. A byte of a pixel came to it as byte ${scale === 1 / 255 ? "/ 255" : `* ${py(scale)}`}${offset === 0 ? "" : offset < 0 ? ` - ${py(-offset)}` : ` + ${py(offset)}`}.`,
  ];
}

/** Whether Python takes it as an attribute's name. */
const isAttribute = (path: string) => /^[A-Za-z_]\w*$/.test(path);
const moduleAt = (path: string) => (isAttribute(path) ? `self.${path}` : `self.get_submodule(${py(path)})`);

function used(helpers: Set<Helper>, helper: Helper, value: string): string {
  helpers.add(helper);
  return `${helper}(${value})`;
}

function writingOf(
  call: Call,
  layout: Layout,
  path: string,
  variables: ReadonlyMap<string, string>,
  helpers: Set<Helper>,
): Writing {
  const held = (i = 0) => variables.get(call.from[i]!)!;
  const several = (i: number) => call.inputs[i]!.length > 1;
  return {
    call,
    layout,
    held,
    first: (i = 0) =>
      several(i) && layout.held(call.from[i]!) === "same"
        ? used(helpers, "channels_first", held(i))
        : held(i),
    last: (i = 0) =>
      several(i) && layout.held(call.from[i]!) === "first"
        ? used(helpers, "channels_last", held(i))
        : held(i),
    toFirst: (value) => used(helpers, "channels_first", value),
    run: (value) => `${moduleAt(path)}(${value})`,
    helper(helper) {
      helpers.add(helper);
      return helper;
    },
  };
}

/** Names that mean something else in forward(), and Python's words. */
const RESERVED =
  "x self F nn torch float and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield False None True";

/** What each value is called: x where only the next call takes it, else after who gives it. */
function variablesOf({ calls, inputs, outputs }: ReturnType<typeof callsOf>): Map<string, string> {
  const readers = new Map<string, number[]>();
  calls.forEach(({ from }, i) => {
    for (const value of new Set(from)) readers.set(value, [...(readers.get(value) ?? []), i]);
  });
  const taken = new Set([...RESERVED.split(" "), ...Object.keys(HELPERS)]);
  const variables = new Map<string, string>();
  const give = (reference: string, next: number, alone: boolean) => {
    const read = readers.get(reference) ?? [];
    const passing =
      alone && read.every((i) => i === next) && (!outputs.includes(reference) || next === calls.length);
    if (passing) return variables.set(reference, "x");
    const name = reference.replace(/\W+/g, "_").replace(/^(?=\d)|^_+/, "v_");
    let variable = name;
    for (let n = 2; taken.has(variable); n++) variable = `${name}_${n}`;
    taken.add(variable);
    return variables.set(reference, variable);
  };
  for (const reference of inputs) give(reference, 0, inputs.length === 1);
  calls.forEach(({ reference }, i) => {
    give(reference, i + 1, true);
  });
  return variables;
}
