import type { ModelFileError } from "../formats/model-file-error.ts";
import { adviceOn } from "../options/names.ts";
import { quoted, show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Model } from "../train/model.ts";
import type { PortableWeights } from "./portable.ts";
import { sideBySide, unfitting } from "./side-by-side.ts";
import { type Form, formsOf, fromTorch } from "./torch/forms.ts";

/** The order of a module's tensors in a state_dict. */
const SUFFIXES = ["weight", "bias", "running_mean", "running_var"];

/**
 * A model's parameters from PyTorch's: by the names that are given, by the names of the model's layers, or else in order, each
 * of the shape that its parameter has there.
 * Throws ModelFileError `fit` where it is not clear which is which, or where they do not fit.
 */
export function fitTorch(
  model: Model,
  { tensors, sorted = false }: PortableWeights,
  names: Readonly<Record<string, string>> | undefined,
): NamedTensor[] {
  const forms = formsOf(model);
  const given = tensors.filter(({ name }) => !/(^|\.)num_batches_tracked$/.test(name));
  const found = names
    ? byNamesGiven(forms, given, names)
    : (byName(forms, given) ?? (sorted ? byShape(forms, given) : inOrder(forms, given)));
  const data = new Map<string, Float32Array>();
  for (const form of forms) {
    const tensor = found.get(form);
    if (tensor && tensor.shape.join() !== form.shape.join())
      throw unfitting(
        `${quoted(titleOf(form))} is of shape ${show(form.shape)} in PyTorch's order, and ${quoted(tensor.name)} of ${show(tensor.shape)}`,
      );
    if (!form.parameter) requireConstant(form, tensor);
    else if (tensor) data.set(form.parameter.name, fromTorch(form, tensor.data));
    else data.set(form.parameter.name, form.constant as Float32Array);
  }
  return model.graph.parameters.map(({ name, shape }) => ({ name, shape, data: data.get(name)! }));
}

const titleOf = ({ parameter, name }: Form) => parameter?.name ?? name;
const isOptional = ({ constant }: Form) => constant !== undefined;

/** What the model here does without is left out where it does nothing. */
function requireConstant({ name, constant }: Form, tensor: NamedTensor | undefined): void {
  if (tensor && !tensor.data.every((value) => value === constant))
    throw unfitting(
      `${quoted(tensor.name)} holds other numbers than ${show(constant)}, and the model has no parameter for it: its layer needs ${name.endsWith("weight") ? "scale" : "center"}: true`,
    );
}

type Found = Map<Form, NamedTensor>;

function byNamesGiven(
  forms: readonly Form[],
  tensors: readonly NamedTensor[],
  names: Readonly<Record<string, string>>,
): Found {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const found: Found = new Map();
  for (const form of forms) {
    const [layer] = titleOf(form).split("/");
    const suffix = form.name.slice(form.name.lastIndexOf("."));
    // Of a layer's name all that is in its module.
    const called = names[titleOf(form)] ?? (form.parameter && names[layer!] && `${names[layer!]}${suffix}`);
    const tensor = called === undefined ? undefined : given.get(called);
    if (tensor) found.set(form, tensor);
    else if (!isOptional(form))
      throw unfitting(
        called === undefined
          ? `names says nothing of ${quoted(titleOf(form))}`
          : `no tensor is called ${quoted(called)}: ${adviceOn(called, [...given.keys()])}`,
      );
  }
  return found;
}

/** Lengths of what all names may begin with: of a model in others, in DataParallel ("module."), of torch.compile ("_orig_mod."). */
function beginnings(tensors: readonly NamedTensor[]): number[] {
  const first = tensors[0]?.name ?? "";
  const lengths = [...first.matchAll(/\./g)].map(({ index }) => index + 1);
  return [0, ...lengths.filter((n) => tensors.every(({ name }) => name.startsWith(first.slice(0, n))))];
}

/** By the names that the model's layers have as modules; undefined where few are there. Of a file of a larger model its part. */
function byName(forms: readonly Form[], tensors: readonly NamedTensor[]): Found | undefined {
  const needed = forms.filter((form) => !isOptional(form));
  for (const start of beginnings(tensors)) {
    const given = new Map(tensors.map((tensor) => [tensor.name.slice(start), tensor]));
    const missing = needed.filter(({ name }) => !given.has(name));
    if (needed.length === 0 || 2 * missing.length > needed.length) continue;
    if (missing.length > 0)
      throw unfitting(
        `${quoted(titleOf(missing[0]!))} would be ${quoted(missing[0]!.name)}, and no tensor is called so: ${adviceOn(missing[0]!.name, [...given.keys()])}`,
      );
    const found: Found = new Map();
    for (const form of forms) if (given.has(form.name)) found.set(form, given.get(form.name)!);
    const modules = new Set(forms.map(({ module }) => module));
    const taken = new Set(found.values());
    for (const [name, tensor] of given)
      if (!taken.has(tensor) && modules.has(name.slice(0, name.lastIndexOf("."))))
        throw unfitting(
          `${quoted(tensor.name)} of shape ${show(tensor.shape)} is left over, and the model has a layer for that module: does it lack useBias: true?`,
        );
    return found;
  }
  return undefined;
}

/** Which of the forms a file has that may be missing: all, those that are parameters, those that are needed. */
function candidates(forms: readonly Form[]): Form[][] {
  return [
    [...forms],
    forms.filter(({ parameter }) => parameter),
    forms.filter(({ constant }) => typeof constant !== "object"),
    forms.filter((form) => !isOptional(form)),
  ];
}

function inOrder(forms: readonly Form[], tensors: readonly NamedTensor[]): Found {
  let longest: { forms: readonly Form[]; same: number } | undefined;
  for (const candidate of candidates(forms)) {
    const at = candidate.findIndex(({ shape }, i) => shape.join() !== tensors[i]?.shape.join());
    const same = at < 0 ? candidate.length : at;
    if (at < 0 && candidate.length === tensors.length)
      return new Map(candidate.map((form, i) => [form, tensors[i]!]));
    if (!longest || same > longest.same) longest = { forms: candidate, same };
  }
  throw parting(longest!.forms, tensors, longest!.same);
}

function parting(forms: readonly Form[], tensors: readonly NamedTensor[], at: number): ModelFileError {
  const lines = sideBySide(
    at,
    forms.map((form) => ({ name: titleOf(form), shape: form.shape })),
    tensors,
  );
  return unfitting(
    `in order they part at ${at + 1} of ${Math.max(forms.length, tensors.length)} (the model's shapes are those that PyTorch has):`,
    lines,
    `Call layers as the file's modules are called, or write which is which: names: { ${JSON.stringify(titleOf(forms[at] ?? forms[0]!))}: ${JSON.stringify(tensors[at]?.name ?? tensors[0]?.name ?? "…").slice(0, 80)}, … }`,
  );
}

interface Module {
  readonly path: string;
  readonly signature: string;
}

/** Of a file that is sorted by name: modules of one form go by the numbers in their names. */
function byShape(forms: readonly Form[], tensors: readonly NamedTensor[]): Found {
  const there = modulesOf(tensors.map((tensor) => ({ ...tensor, item: tensor })));
  const fit = candidates(forms)
    .map((candidate) => modulesOf(candidate.map((form) => ({ ...form, item: form }))))
    .find((here) => groupsOf(here).sizes === groupsOf(there).sizes);
  const natural = tensors.toSorted((a, b) => naturally(a.name, b.name));
  if (!fit) return inOrder(forms, natural);
  const found: Found = new Map();
  const groups = groupsOf(there).groups;
  for (const [signature, mine] of groupsOf(fit).groups) {
    const theirs = groups.get(signature)!.toSorted((a, b) => naturally(a.path, b.path));
    for (const [i, { path }] of theirs.entries())
      if (i > 0 && !isNumbered(theirs[i - 1]!.path, path))
        throw unfitting(
          `${quoted(theirs[i - 1]!.path)} and ${quoted(path)} have the same shapes, and safetensors files do not keep the order of modules. Call the model's layers as the file's modules are called, save them as .pt, or write which is which: names: { ${JSON.stringify(titleOf(mine[0]!.items[0]!.item))}: "…", … }`,
        );
    for (const [i, { items }] of mine.entries())
      for (const [k, { item }] of items.entries()) found.set(item, theirs[i]!.items[k]!.item);
  }
  return found;
}

interface ModuleOf<T> extends Module {
  readonly items: readonly { readonly item: T; readonly name: string; readonly shape: readonly number[] }[];
}

/** The modules that tensors belong to, in the order of the first of each, tensors in the order of a state_dict. */
function modulesOf<T>(
  all: readonly { readonly item: T; readonly name: string; readonly shape: readonly number[] }[],
): ModuleOf<T>[] {
  const rank = (name: string) => {
    const at = SUFFIXES.indexOf(name.slice(name.lastIndexOf(".") + 1));
    return at < 0 ? SUFFIXES.length : at;
  };
  const byPath = grouped(all, ({ name }) => name.slice(0, Math.max(0, name.lastIndexOf("."))));
  return [...byPath].map(([path, items]) => {
    const sorted = items.toSorted((a, b) => rank(a.name) - rank(b.name) || naturally(a.name, b.name));
    const signature = sorted
      .map(({ name, shape }) => `${name.slice(name.lastIndexOf(".") + 1)} ${shape.join("x")}`)
      .join();
    return { path, items: sorted, signature };
  });
}

function groupsOf<T>(modules: readonly ModuleOf<T>[]) {
  const groups = grouped(modules, ({ signature }) => signature);
  return {
    groups,
    sizes: [...groups]
      .map(([key, list]) => `${key}: ${list.length}`)
      .sort()
      .join("\n"),
  };
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

const parts = (name: string) => name.match(/\d+|\D+/g) ?? [];

/** layer2 before layer10. */
function naturally(a: string, b: string): number {
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] === y[i]) continue;
    const [m, n] = [Number(x[i]), Number(y[i])];
    return Number.isNaN(m) || Number.isNaN(n) ? (x[i]! < y[i]! ? -1 : 1) : m - n;
  }
  return x.length - y.length;
}

/** Whether a number is the first in which two names differ. */
function isNumbered(a: string, b: string): boolean {
  const [x, y] = [parts(a), parts(b)];
  const at = x.findIndex((part, i) => part !== y[i]);
  return at >= 0 && /^\d/.test(x[at]!) && /^\d/.test(y[at] ?? "");
}
