import type { KeptModel } from "../train/keep-state.ts";
import type { Model, ModelParts } from "../train/model.ts";
import { carriedOver, withTrainable } from "../train/with-trainable.ts";
import type { Made } from "./fitting.ts";

/** A trainer's worker, as far as it is used here. */
interface Client {
  call(method: "kept", argument: undefined): Promise<KeptModel>;
  call(method: "step", argument: undefined): Promise<number>;
  end(error: Error): void;
}

/**
 * A trainer's model with other layers that training changes, and another worker in which it goes on. Throws as Model.setTrainable() rejects, and where the
 * worker before has ended meanwhile, as by dispose().
 * @param built makes a model: the page's script has the class
 */
export async function retrained<C extends Client>(
  { model, optimizer }: Made,
  before: C,
  start: (model: Model, kept: KeptModel) => Promise<{ readonly client: C }>,
  built: (parts: ModelParts) => Model,
  layers: string | readonly string[],
  trainable: boolean,
): Promise<{ readonly model: Model; readonly client: C }> {
  const changed = built(withTrainable(model.parts(), layers, trainable));
  const kept = carriedOver(await before.call("kept", undefined), optimizer.options);
  const { client } = await start(changed, kept);
  try {
    await before.call("step", undefined);
  } catch (error) {
    client.end(error as Error);
    throw error;
  }
  return { model: changed, client };
}
