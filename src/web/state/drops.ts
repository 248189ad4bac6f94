import { signal } from "@preact/signals";

/** A part of the page that takes what is dropped while it is open, in place of the page as a whole. */
export const dropTaker = signal<((event: DragEvent) => void) | undefined>(undefined);
/** Whether files are being dragged over the page. */
export const dragging = signal(false);
