import type { CallInfo } from "./plan.ts";

/** Sizes worth showing of kernels that are neither products nor windows, and their names in the text. */
const SIZES = ["batch", "positions", "rows", "cols", "H", "W", "C", "OC", "M", "N", "K", "n"] as const;

/** The sizes that a call works on, in a few words: "32 x 28x28x1 -> 13x13x32, 3x3, pool 2x2". */
export function shapesText({ args, tasks }: CallInfo): string {
  const times = (...fields: string[]) => fields.map((field) => args[field]).join("x");
  const has = (...fields: string[]) => fields.every((field) => args[field] !== undefined);
  const strides = (name: string, h: string, w: string) =>
    (args[h] ?? 1) * (args[w] ?? 1) > 1 ? `${name} ${times(h, w)}` : "";
  if (has("transA"))
    return [
      `${times("M", "K")} * ${times("K", "N")}`,
      args.transA && "A transposed",
      args.transB && "B transposed",
    ]
      .filter(Boolean)
      .join(", ");
  if (!has("OH", "OW")) return SIZES.flatMap((size) => (has(size) ? `${size} ${args[size]}` : [])).join(", ");
  const images = args.batch ?? tasks;
  if (!has("OC"))
    return [
      `${images} x ${times("H", "W", "C")} -> ${times("OH", "OW", "C")}`,
      has("KH") && `pool ${times("KH", "KW")}`,
      strides("strides", "strideH", "strideW"),
    ]
      .filter(Boolean)
      .join(", ");
  return [
    `${images} x ${times("H", "W", "C")} -> ${has("PH") ? times("PH", "PW", "OC") : times("OH", "OW", "OC")}`,
    has("KH") ? `filter ${times("KH", "KW")}` : "filter 3x3",
    strides("strides", "strideH", "strideW"),
    strides("dilation", "dilationH", "dilationW"),
    has("poolH") ? `pool ${times("poolH", "poolW")}` : "",
  ]
    .filter(Boolean)
    .join(", ");
}
