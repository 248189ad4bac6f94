import type { NamedTensor } from "./safetensors.ts";

/** SHA-256 over the numbers of all tensors, in order, as little-endian f32; hexadecimal. */
export async function weightsSha256(tensors: readonly NamedTensor[]): Promise<string> {
  const bytes = new Uint8Array(4 * tensors.reduce((sum, { data }) => sum + data.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { data } of tensors)
    for (const value of data) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
