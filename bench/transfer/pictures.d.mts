interface Entry {
  readonly category: string;
  readonly image: string;
  readonly sort_order: number;
}
type Classes = Map<string, readonly string[]>;
interface Parts {
  readonly train: Classes;
  readonly test: Classes;
  readonly tuning: Classes;
}

export function byCategory(
  entries: readonly Entry[],
  read: (image: string) => Uint8Array | undefined,
): Map<string, string[]>;
export function divided(
  classes: Classes,
  seed: number,
  counts: { readonly train: number; readonly test: number; readonly tuning: number },
): Parts;
export function writeFolders(parts: Partial<Parts>, from: string, to: string): void;
