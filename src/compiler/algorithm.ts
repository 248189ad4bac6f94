import { inPlanes, SHORT_RUN } from "../engine/abi.ts";
import type { CallInfo } from "./plan.ts";

const winograd = (m: number) => `Winograd F(${m}x${m}, 3x3)`;

/** How a kernel goes about a call, where there is more than one way; else "". */
export function algorithmOf({ kernel, args, tasks, phase }: CallInfo): string {
  const size = (field: string) => args[field]!;
  const dilation = () => Math.max(size("dilationH"), size("dilationW"));
  switch (kernel) {
    case "gemm": {
      if (!size("cNext")) {
        if (size("M") === 1 && !size("transB")) return "rows as they lie";
        return size("transA") ? "packed panels and rows" : "packed panels";
      }
      const blocks = Math.ceil(size("M") / size("rows")) * Math.ceil(size("N") / size("cols"));
      // One matrix for each point of a transformed tile.
      return winograd(Math.sqrt(tasks / blocks) - 2);
    }
    case "winogradForward":
      return winograd(size("m"));
    case "convPoolForward":
      return size("m") ? `fused, ${winograd(size("m"))}` : "fused";
    case "convPoolBackwardFilter":
    case "convPoolBackwardInput":
      return "non-zeros only";
    case "conv2dForward":
      if (size("cols")) return "one product";
      if (size("dilationW") > 1) return "gathered patches";
      return size("KW") * size("C") < SHORT_RUN ? "four short patches at once" : "patches in place";
    case "conv2dBackwardFilter":
      return size("cols") ? "one product" : "patches in place";
    case "conv2dBackwardInput":
      if (size("cols")) return "one product";
      return size("rows") ? "whole patches, then added" : "place by place of the filter";
    case "depthwiseForward":
      if (phase === "backward") return "turned filter";
      return inPlanes(size("KW"), size("strideW"), dilation(), size("multiplier"), size("left"))
        ? "planes of channels"
        : "channels side by side";
    case "depthwiseBackwardFilter":
      return "groups of images";
    case "depthwiseBackwardInput":
      return "cell by cell";
    default:
      return "";
  }
}
