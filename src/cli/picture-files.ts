import { stat } from "node:fs/promises";
import { listAll } from "../sources/directory.ts";

/** What globs are written with, once a shell has left them to the program. */
const GLOB = /[*?[{]/;

/**
 * Files of pictures that arguments name: files as they are, all pictures in a folder and those within it, and what a glob finds,
 * each in the order of the names. A folder or a glob without pictures stands for itself: it is an error of its own.
 */
export async function pictureFiles(
  args: readonly string[],
): Promise<readonly { readonly file: string; readonly error?: string }[]> {
  const found = await Promise.all(args.map(expand));
  return found.flat();
}

async function expand(arg: string): Promise<{ readonly file: string; readonly error?: string }[]> {
  const stats = await stat(arg).catch(() => undefined);
  if (stats?.isDirectory())
    return orError(await listAll(arg), arg, "holds no pictures (.png, .jpg, .jpeg, .webp, .gif)");
  if (stats || !GLOB.test(arg)) return [{ file: arg }];
  const { glob } = await import("tinyglobby");
  const pattern = arg.replaceAll("\\", "/");
  const files = await glob(pattern, { expandDirectories: false, onlyFiles: true });
  return orError(files.sort(), arg, "no file has such a name");
}

function orError(files: readonly string[], arg: string, error: string) {
  return files.length > 0 ? files.map((file) => ({ file })) : [{ file: arg, error }];
}
