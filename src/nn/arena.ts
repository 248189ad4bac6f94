import { ALIGNMENT, align } from "../engine/memory.ts";

/** A range of the arena, needed from call `first` to call `last` of a program. */
export interface Block {
  readonly bytes: number;
  first: number;
  last: number;
  offset: number;
}

/**
 * Gives every block an offset so that no two that live at the same time overlap, largest first, each at the
 * lowest place it fits. Returns the bytes of the whole. (Pisarchyk and Lee 2020, "greedy by size".)
 */
export function assignOffsets(blocks: readonly Block[]): number {
  const placed: Block[] = [];
  let total = 0;
  const bySize = [...blocks].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const block of bySize) {
    const size = align(block.bytes) + ALIGNMENT;
    const neighbours = placed
      .filter((other) => other.first <= block.last && block.first <= other.last)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + size <= other.offset) break;
      offset = Math.max(offset, other.offset + align(other.bytes) + ALIGNMENT);
    }
    block.offset = offset;
    placed.push(block);
    total = Math.max(total, offset + size);
  }
  return total;
}
