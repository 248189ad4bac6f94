import { signal } from "@preact/signals";

/** A sentence for the visitor, shown until it is closed or what it is about is tried again. */
export interface Notice {
  /** What it is about: one notice for each subject. */
  readonly about: string;
  readonly text: string;
  readonly kind: "fault" | "note";
  /** What the visitor can do about it. */
  readonly actions?: readonly NoticeAction[];
  /** What only some want to read. */
  readonly details?: string;
}

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export const notices = signal<readonly Notice[]>([]);

/** Shows a notice in place of any about the same thing. */
export function notify(
  about: string,
  text: string,
  kind: Notice["kind"] = "note",
  more: Pick<Notice, "actions" | "details"> = {},
): void {
  const others = notices.value.filter((notice) => notice.about !== about);
  notices.value = [...others, { about, text, kind, ...more }];
}

/** Shows an error, in a sentence of its own. */
export function fault(about: string, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  // A word, not a file's name, which must stay as it is.
  const begun = /^[a-z]+ /.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text;
  notify(about, `${begun}${/[.!?]$/.test(text) ? "" : "."}`, "fault");
}

export function dismiss(about: string): void {
  notices.value = notices.value.filter((notice) => notice.about !== about);
}

/** What a screen reader says next: changes of state, and each epoch's figures. */
export const announcement = signal("");

export function announce(text: string): void {
  announcement.value = text;
}
