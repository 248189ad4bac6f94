// What layers are called as modules of PyTorch: "layer1.0.conv1" is a module in modules.

/** Attributes that torch.nn.Module has, and Python's words. */
const TAKEN = new Set(
  (
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval " +
    "extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia " +
    "named_buffers named_children named_modules named_parameters parameters register_buffer register_module requires_grad_ " +
    "set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad " +
    "False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda nonlocal not or pass raise return self try while with yield"
  ).split(" "),
);

/** Paths of modules by names of layers, as like them as names of modules are: each another, none within another. */
export function moduleNames(layers: readonly string[]): ReadonlyMap<string, string> {
  const paths = layers.map((name) =>
    name
      .split(".")
      .map((part) => part.replace(/[^A-Za-z0-9_]/g, "_"))
      .map((part) =>
        TAKEN.has(part) || /^_/.test(part) ? `m${part.startsWith("_") ? "" : "_"}${part}` : part,
      )
      .join("."),
  );
  const all = new Set(paths);
  const within = paths.some(
    (path) =>
      path.split(".").includes("") ||
      path.split(".").some((_, i, parts) => i > 0 && all.has(parts.slice(0, i).join("."))),
  );
  const taken = new Set<string>();
  return new Map(
    layers.map((layer, i) => {
      const wanted = within
        ? `m_${paths[i]!.replaceAll(".", "_")}`.replace(/^m_(?=[A-Za-z])/, "")
        : paths[i]!;
      let path = wanted;
      for (let n = 2; taken.has(path) || TAKEN.has(path); n++) path = `${wanted}_${n}`;
      taken.add(path);
      return [layer, path];
    }),
  );
}

/** What the file of a module is called, so that Python imports it. */
export function pythonName(name: string): string {
  return name.replace(/\W/g, "_").replace(/^(?=\d)/, "m_");
}
