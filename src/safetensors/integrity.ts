import { sha256 as sha256Of } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { isObject } from "../options/kinds.ts";
import { type Entries, METADATA, seal, sealedText, WEIGHTS } from "./seal.ts";
import { littleEndian, type NamedTensor } from "./write-safetensors.ts";

/** In hex. Not the platform's own: that answers later only, and a browser's is missing on pages without https. */
export function sha256(...parts: Uint8Array[]): string {
  const hash = sha256Of.create();
  for (const part of parts) hash.update(part);
  return bytesToHex(hash.digest());
}

/** SHA-256 of tensors in their order, in hex. */
export const weightsHash = (tensors: readonly NamedTensor[]) =>
  sha256(...tensors.map(({ data }) => littleEndian(data)));

/** The entries, and the two that vouch for them and for the weights. */
export function sealed(entries: Entries, tensors: readonly NamedTensor[]): Entries {
  const whole = { ...entries, [WEIGHTS]: weightsHash(tensors) };
  return seal(whole, sha256(sealedText(whole)));
}

/** What is wrong with the entries; undefined where they are whole, or where an older version wrote them without hashes. */
export function metadataDamage(entries: Entries): string | undefined {
  const [weights, metadata] = [WEIGHTS, METADATA].map((key) => Object.hasOwn(entries, key));
  if (!weights && !metadata) return undefined;
  if (!weights || !metadata)
    return `its metadata has ${weights ? WEIGHTS : METADATA}, but no ${weights ? METADATA : WEIGHTS}`;
  let value: unknown;
  try {
    value = JSON.parse(entries[METADATA]!);
  } catch {}
  const { keys, sha256: expected } = isObject(value) ? value : {};
  if (!Array.isArray(keys) || !keys.includes(WEIGHTS) || !keys.every((key) => typeof key === "string"))
    return `its ${METADATA} is no list of keys with their hash`;
  const got = sha256(sealedText(entries, keys));
  return got === expected ? undefined : `the SHA-256 of its metadata is ${got}, not what it says`;
}

/** What is wrong with the weights, in the order of the model's parameters; undefined where they are whole, or as above. */
export function weightsDamage(entries: Entries, tensors: readonly NamedTensor[]): string | undefined {
  if (!Object.hasOwn(entries, WEIGHTS)) return undefined;
  const got = weightsHash(tensors);
  return got === entries[WEIGHTS] ? undefined : `the SHA-256 of its weights is ${got}, not what it says`;
}
