// Two entries of a model file's metadata vouch for the rest: a bit that flips on a disk or on the way is noticed. Each is
// missed where the other is there, so that neither can be lost unseen. They keep nobody from changing a file on purpose.

/** SHA-256 of all weights in the order of the model's parameters: Model.weightsSha256(), in hex. */
export const WEIGHTS = "weightsSha256";
/** JSON: the keys of the entries that it vouches for, and the SHA-256 of sealedText(), in hex. */
export const METADATA = "metadataSha256";

export type Entries = Readonly<Record<string, string>>;

/** What the hash of the metadata is taken of: UTF-8 of the JSON of the pairs [key, value]. */
export function sealedText(entries: Entries, keys: readonly string[] = Object.keys(entries)) {
  const pairs = keys.map((key) => [key, Object.hasOwn(entries, key) ? entries[key] : null]);
  return new TextEncoder().encode(JSON.stringify(pairs));
}

/** The entry that vouches for all the others. */
export function seal(entries: Entries, sha256: string): Entries {
  return { ...entries, [METADATA]: JSON.stringify({ keys: Object.keys(entries), sha256 }) };
}
