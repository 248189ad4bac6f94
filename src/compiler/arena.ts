import { ALIGNMENT, align } from "../engine/memory.ts";

/** A range of the arena, needed from call `first` to call `last` of a program. */
export interface Block {
  readonly bytes: number;
  first: number;
  last: number;
  offset: number;
}

/**
 * Gives every block an offset so that no two that live at the same time overlap, largest first, of equal ones the last, each at the
 * lowest place it fits. Returns the bytes of the whole. (Pisarchyk and Lee 2020, "greedy by size".)
 */
export function assignOffsets(blocks: readonly Block[]): number {
  /** By offset. */
  const placed: Block[] = [];
  let total = 0;
  const bySize = [...blocks].sort((a, b) => b.bytes - a.bytes || b.first - a.first);
  for (const block of bySize) {
    const size = align(block.bytes) + ALIGNMENT;
    let offset = 0;
    for (const other of placed) {
      if (other.first > block.last || block.first > other.last) continue;
      if (offset + size <= other.offset) break;
      offset = Math.max(offset, other.offset + align(other.bytes) + ALIGNMENT);
    }
    block.offset = offset;
    placed.splice(placeAfter(placed, offset), 0, block);
    total = Math.max(total, offset + size);
  }
  return total;
}

/** How many blocks start at or before the offset. */
function placeAfter(placed: readonly Block[], offset: number): number {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (placed[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
