import type { OnnxAttribute, OnnxNode, OnnxTensor } from "./messages.ts";

/** What a node says beside its inputs. */
export class Attributes {
  readonly #found: ReadonlyMap<string, OnnxAttribute>;

  constructor({ attribute }: OnnxNode) {
    this.#found = new Map(attribute.map((one) => [one.name ?? "", one]));
  }

  has(name: string): boolean {
    return this.#found.has(name);
  }

  /** A whole number. */
  int(name: string, otherwise: number): number {
    return this.#found.get(name)?.i ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.#found.get(name)?.f ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    return this.#found.get(name)?.s ?? otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#found.get(name)?.ints;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#found.get(name)?.floats;
  }

  tensor(name: string): OnnxTensor | undefined {
    return this.#found.get(name)?.t;
  }
}
