// Embedded for the blob: worker that trains models with frozen layers, before its own script.

import { withFeatures } from "./frozen.ts";

const { wasmgradFurther } = globalThis as { wasmgradFurther?: object };
Object.assign(globalThis, { wasmgradFurther: { ...wasmgradFurther, withFeatures } });
