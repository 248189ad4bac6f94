import { MemoryError } from "../engine/memory-error.ts";
import { ModelFileError } from "../formats/model-file-error.ts";

/** What a bundle of its own throws is of classes of its own: here it becomes of the package's. */
export async function withOwnErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MemoryError || error instanceof ModelFileError) throw error;
    const { name, message } = error as Error;
    if (name === "MemoryError") {
      const { problem, allow } = error as MemoryError;
      const advice = message.slice(`${problem}: `.length);
      throw new MemoryError(problem, advice, { ...(allow !== undefined && { allow }), cause: error });
    }
    if (name !== "ModelFileError") throw error;
    throw new ModelFileError((error as ModelFileError).code, message, { cause: error });
  }
}
