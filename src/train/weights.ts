import { littleEndian, type NamedTensor } from "../safetensors/write-safetensors.ts";

/** SHA-256 over the numbers of all tensors, in order, as little-endian f32; hexadecimal. */
export async function weightsSha256(tensors: readonly NamedTensor[]): Promise<string> {
  const bytes = new Uint8Array(4 * tensors.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of tensors) {
    bytes.set(littleEndian(data), at);
    at += 4 * data.length;
  }
  return sha256(bytes);
}

/** Of bytes, in hex, by the platform. Browsers have it on pages that come over https or from this machine. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
