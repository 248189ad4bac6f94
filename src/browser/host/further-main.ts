// Embedded for the blob: worker that trains models with ops of FURTHER_KINDS, before its own script.

import * as further from "../../compiler/ops/further.ts";
import { KERNEL_TABLE } from "../../engine/abi.ts";

const { wasmgradFurther } = globalThis as { wasmgradFurther?: object };
Object.assign(globalThis, { wasmgradFurther: { ...wasmgradFurther, ...further, KERNEL_TABLE } });
