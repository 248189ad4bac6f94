import { BATCH_NORMALIZATION } from "./batch-normalization.ts";
import { CONV2D } from "./conv2d.ts";
import { DENSE } from "./dense.ts";
import { INPUT } from "./input.ts";
import type { LayerDefinition } from "./layer.ts";
import { ADD, CONCATENATE, MULTIPLY } from "./merging.ts";
import { AVERAGE_POOLING_2D, GLOBAL_AVERAGE_POOLING_2D, MAX_POOLING_2D } from "./pooling2d.ts";
import { ACTIVATION, DROPOUT, ELU, FLATTEN, LEAKY_RELU } from "./simple.ts";

/** Every layer type, by name. */
export const LAYERS: Readonly<Record<string, LayerDefinition>> = Object.fromEntries(
  [
    CONV2D,
    DENSE,
    MAX_POOLING_2D,
    AVERAGE_POOLING_2D,
    GLOBAL_AVERAGE_POOLING_2D,
    FLATTEN,
    DROPOUT,
    ACTIVATION,
    LEAKY_RELU,
    ELU,
    INPUT,
    BATCH_NORMALIZATION,
    ADD,
    MULTIPLY,
    CONCATENATE,
  ].map((definition) => [definition.type, definition as unknown as LayerDefinition]),
);
