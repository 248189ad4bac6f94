// Embedded for the blob: worker that has ops that are not usual, further metrics, or losses and metrics of users' own: before its own script.
import * as fills from "../../compiler/extra.ts";
import * as ops from "../../compiler/ops/extra.ts";
import { KERNEL_TABLE } from "../../engine/abi.ts";
import * as losses from "../../losses/extra.ts";
import * as furtherLosses from "../../losses/further.ts";
import * as metrics from "../../metrics/extra.ts";
import * as optim from "../../optim/extra.ts";
import * as host from "./extra.ts";

interface Given {
  readonly wasmgradFurther?: { readonly KERNEL_TABLE?: string };
}

const { wasmgradFurther } = globalThis as Given;
Object.assign(globalThis, {
  wasmgradFurther: {
    ...wasmgradFurther,
    ...ops,
    ...fills,
    ...losses,
    ...furtherLosses,
    ...metrics,
    ...optim,
    ...host,
    KERNEL_TABLE: (wasmgradFurther?.KERNEL_TABLE ?? "") + KERNEL_TABLE,
  },
});
