import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

interface PanelProps {
  readonly id?: string;
  readonly heading: string;
  /** Beside the heading. */
  readonly aside?: ComponentChildren;
  readonly lead?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A part of the page with its heading. */
export function Panel({ id, heading, aside, lead, children }: PanelProps) {
  const headingId = useId();
  return (
    <section class="panel" id={id} aria-labelledby={headingId} tabIndex={-1}>
      <header class="panel-head">
        <h2 id={headingId}>{heading}</h2>
        {aside}
      </header>
      {lead && <p class="lead">{lead}</p>}
      {children}
    </section>
  );
}

/** From this width on everything is open; below, what is set up folds away so that the curves are near. */
const WIDE = matchMedia("(min-width: 1000px)");

interface FoldProps {
  readonly id: string;
  readonly heading: string;
  /** What is chosen, in a few words. */
  readonly summary: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A panel that folds to its heading and a summary. */
export function Fold({ id, heading, summary, children }: FoldProps) {
  const [open, setOpen] = useState(WIDE.matches);
  return (
    <details
      class="panel fold"
      id={id}
      open={open}
      onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}
    >
      <summary>
        <h2>{heading}</h2>
        <span class="fold-summary">{summary}</span>
      </summary>
      <div class="fold-body">{children}</div>
    </details>
  );
}

/** What stands where something will be. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** What is wider than a phone: it scrolls, by keyboard too, and its edges show that there is more. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    // biome-ignore lint/a11y/useSemanticElements: it groups no form fields, and is no landmark
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
