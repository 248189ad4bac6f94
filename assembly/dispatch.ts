import { AddArgs, FillArgs, addInto, fill } from "./elementwise";
import { GemmArgs, gemm } from "./gemm";
import {
  Conv2dArgs, PackArgs, PadArgs, conv2dBackwardFilter, conv2dBackwardInput, conv2dForward, packFilter,
  packFilterTransposed, pad2d,
} from "./conv2d";

/**
 * Runs one task of a kernel. A switch, because first-class functions stay indirect calls in AssemblyScript.
 * scripts/abi.mjs reads these lines and the argument classes, and writes src/engine/abi.ts from them.
 */
export function dispatch(id: i32, args: usize, task: i32, scratch: usize): void {
  switch (id) {
    case 0: fill(changetype<FillArgs>(args), task, scratch); break;
    case 1: addInto(changetype<AddArgs>(args), task, scratch); break;
    case 2: gemm(changetype<GemmArgs>(args), task, scratch); break;
    case 3: pad2d(changetype<PadArgs>(args), task, scratch); break;
    case 4: packFilter(changetype<PackArgs>(args), task, scratch); break;
    case 5: packFilterTransposed(changetype<PackArgs>(args), task, scratch); break;
    case 6: conv2dForward(changetype<Conv2dArgs>(args), task, scratch); break;
    case 7: conv2dBackwardFilter(changetype<Conv2dArgs>(args), task, scratch); break;
    case 8: conv2dBackwardInput(changetype<Conv2dArgs>(args), task, scratch); break;
    default: unreachable();
  }
}
