import { CompiledModel } from "./compiled-model.ts";
import { keepModel, putModel } from "./keep-state.ts";
import { Session } from "./session.ts";
import { carriedOver, type Parts, withTrainable } from "./with-trainable.ts";

/**
 * See withTrainable(); and what is compiled of it: with the weights as they are, and the optimizer's step, rate and vectors, those of parameters that are
 * trained from now on 0.
 */
export async function changeTrainable<T extends Parts>(
  given: T,
  made: CompiledModel | undefined,
  layers: string | readonly string[],
  trainable: boolean,
): Promise<{ readonly parts: T; readonly made: CompiledModel | undefined }> {
  const parts = withTrainable(given, layers, trainable);
  if (!made) return { parts, made };
  const { options } = made.session;
  const session = await Session.create(parts.graph, options);
  putModel(session, carriedOver(keepModel(made.session), options.optimizer.options));
  made.dispose();
  return { parts, made: new CompiledModel(session) };
}
