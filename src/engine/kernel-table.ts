import { KERNEL_TABLE, type KernelStructs } from "./abi.ts";

export type KernelName = keyof KernelStructs;
/** Values for every field of a kernel's argument struct, see the classes in assembly/. */
export type KernelArgs<K extends KernelName> = { readonly [F in keyof KernelStructs[K]]: number };

export interface Kernel {
  /** In the switch of assembly/dispatch.ts. */
  readonly id: number;
  /** Of the argument struct, in the order of memory, 4 bytes each. */
  readonly fields: readonly (readonly [name: string, type: "pointer" | "f32" | "i32"])[];
}

const TYPES = { "*": "pointer", "%": "f32" } as const;

function readTable(): Record<KernelName, Kernel> {
  const kernels: Record<string, Kernel> = {};
  for (const line of KERNEL_TABLE.trimEnd().split("\n")) {
    const [names, struct] = line.split(": ") as [string, string];
    const fields = struct
      .split(" ")
      .map((field) => [field.replace(/\W/, ""), TYPES[field.at(-1) as "*" | "%"] ?? "i32"] as const);
    for (const name of names.split(" "))
      kernels[name.replace(/^\d+/, "")] = { id: Number.parseInt(name, 10), fields };
  }
  return kernels as Record<KernelName, Kernel>;
}

export const KERNELS = readTable();
