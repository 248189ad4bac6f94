import { zipSync } from "fflate";

/** A .npy file as NumPy writes it. `type`: "|u1", "<f4" and so on, "?" for one that is not numbers. */
export function npy(
  type: string,
  shape: readonly number[],
  numbers: readonly number[],
  order = "False",
): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  let header = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  header = `${header.padEnd(117)}\n`;
  const width = Number(type.slice(2));
  const bytes = new Uint8Array(10 + header.length + width * numbers.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  const view = new DataView(bytes.buffer);
  const little = !type.startsWith(">");
  numbers.forEach((value, i) => {
    const at = 10 + header.length + i * width;
    const kind = type.slice(1);
    if (width === 1) view.setInt8(at, value);
    else if (kind === "f4") view.setFloat32(at, value, little);
    else if (kind === "f8") view.setFloat64(at, value, little);
    else if (kind === "i8" || kind === "u8") view.setBigInt64(at, BigInt(value), little);
    else if (width === 4) view.setInt32(at, value, little);
    else view.setInt16(at, value, little);
  });
  return bytes;
}

/** An .npz file of some .npy files. */
export function npz(arrays: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])));
}
