// Embedded for the blob: worker that has further metrics, or losses and metrics of users' own: before its own script.
import * as losses from "../../losses/extra.ts";
import * as metrics from "../../metrics/extra.ts";
import * as host from "./extra.ts";

const { wasmgradFurther } = globalThis as { wasmgradFurther?: object };
Object.assign(globalThis, {
  wasmgradFurther: { ...wasmgradFurther, ...losses, ...metrics, ...host },
});
