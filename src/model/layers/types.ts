import type { GraphBuilder, Shape, Value } from "../../compiler/graph.ts";

/** One layer of a model: plain options, and how they lower to ops. */
export interface Layer {
  /** What a model file and the layer table call it: conv2d, dense ... */
  readonly type: string;
  /** Given by the user, or else by the model: the type, numbered from the second on. */
  readonly name: string | undefined;
  /** One sample's input shape: needed on a model's first layer. */
  readonly inputShape: Shape | undefined;
  /** False where training leaves the layer's weights as they are. */
  readonly trainable: boolean;
  /** The layer's options as plain data, defaults filled in: what a model file holds. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Adds the layer's ops to the graph. Throws ModelError where the inputs do not fit. */
  lower(graph: GraphBuilder, name: string, inputs: Inputs): readonly Value[];
  /**
   * The layer's output for an input, or for a list of them: for model({ inputs, outputs }). A layer that is applied again
   * shares its weights. Throws ModelError where the inputs do not fit.
   */
  apply(inputs: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor;
}

/** What a layer is given: one value at least. */
export type Inputs = readonly [Value, ...Value[]];

/** What a layer gives, before there are numbers: Keras's KerasTensor. input() makes the first, layer.apply() the others. */
export interface SymbolicTensor {
  /** One sample's shape. */
  readonly shape: Shape;
  /** The call of a layer that it comes from. */
  readonly from: LayerApplication;
}

/** A layer applied to tensors. */
export interface LayerApplication {
  readonly layer: Layer;
  readonly inputs: readonly SymbolicTensor[];
  /** Applications are numbered as they are made: each comes after those that it takes its inputs from. */
  readonly order: number;
}
