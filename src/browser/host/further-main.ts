// Embedded for the blob: worker that trains models with ops of FURTHER_KINDS, before its own script.
import { KERNEL_TABLE } from "../../engine/abi.ts";
import * as further from "../../nn/ops/further.ts";

Object.assign(globalThis, { wasmgradFurther: { ...further, KERNEL_TABLE } });
