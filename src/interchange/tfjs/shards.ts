import { ModelFileError } from "../../formats/model-file-error.ts";
import { show } from "../../options/show.ts";
import type { Files } from "../portable.ts";

/** Whether a path leads to a file in the folder of the model.json, and nowhere else. */
export function isInside(path: unknown): path is string {
  return (
    typeof path === "string" &&
    path !== "" &&
    !/^[/\\]|^[A-Za-z]+:|\\|\0/.test(path) &&
    !path.split("/").includes("..")
  );
}

/** The files that a model.json names, in their order. Throws ModelFileError where one is missing, or lies elsewhere. */
export function shardsOf(paths: readonly unknown[], files: Files): Uint8Array[] {
  const byName = new Map(Object.entries(files).map(([name, bytes]) => [lastOf(name), bytes]));
  return paths.map((path) => {
    if (!isInside(path))
      throw new ModelFileError("damaged", `the model.json names ${show(path)}, expected a file beside it`);
    const bytes = files[path] ?? byName.get(lastOf(path));
    if (!bytes)
      throw new ModelFileError(
        "unknown-format",
        `its weights lie in ${show(path)}, which was not given. Write: loadModel({ "model.json": bytes, ${show(path)}: bytes })`,
      );
    return bytes;
  });
}

const lastOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
