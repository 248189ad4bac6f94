// Pieces of Python.

/** A value as Python writes it: numbers, texts, and lists as tuples. */
export function py(value: unknown): string {
  if (Array.isArray(value)) return `(${value.map(py).join(", ")}${value.length === 1 ? "," : ""})`;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === Number.POSITIVE_INFINITY) return 'float("inf")';
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** Sizes that are all the same as one number. */
export function sizes(values: readonly number[]): string {
  return py(values.every((value) => value === values[0]) ? values[0] : values);
}

/** A call; what is undefined, or the default, is left out. */
export function called(
  name: string,
  args: readonly string[],
  options: Readonly<Record<string, string | undefined | false>> = {},
): string {
  const named = Object.entries(options).flatMap(([key, value]) => (value ? [`${key}=${value}`] : []));
  return `${name}(${[...args, ...named].join(", ")})`;
}

/** What a generated module needs beside its class, by what it is called there. */
export const HELPERS = {
  channels_last: `def channels_last(x):
    return x.movedim(1, -1)`,
  channels_first: `def channels_first(x):
    return x.movedim(-1, 1)`,
  mean_of_cells: `def mean_of_cells(x, size, strides, pad):
    """Average pooling whose windows at a padded border count the cells that exist."""
    pool = F.avg_pool2d if x.dim() == 4 else F.avg_pool1d
    cells = pool(F.pad(torch.ones_like(x[:1, :1]), pad), size, strides)
    return pool(F.pad(x, pad), size, strides) / cells`,
  add_module: `def add_module(root, path, module):
    """Puts a module at a path such as "layer1.0.conv1"."""
    *parents, name = path.split(".")
    for parent in parents:
        if not hasattr(root, parent):
            root.add_module(parent, nn.Module())
        root = getattr(root, parent)
    root.add_module(name, module)`,
  Slopes: `class Slopes(nn.Module):
    """PReLU with slopes of any shape that repeats."""

    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)`,
  Normalization: `class Normalization(nn.Module):
    """(x - mean) / sqrt(variance) of each channel."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x):
        shape = (-1,) + (1,) * (x.dim() - 2)
        return (x - self.mean.view(shape)) / (self.variance + 1e-14).sqrt().view(shape)`,
} as const;

export type Helper = keyof typeof HELPERS;
