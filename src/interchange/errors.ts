import { ModelFileError } from "../formats/model-file-error.ts";

/** What a bundle of its own throws is of classes of its own: here it becomes of the package's. */
export async function withOwnErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name, code, message } = error as ModelFileError;
    if (name !== "ModelFileError" || error instanceof ModelFileError) throw error;
    throw new ModelFileError(code, message, { cause: error });
  }
}
