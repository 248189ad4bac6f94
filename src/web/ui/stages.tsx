import { useSignal } from "@preact/signals";
import { type ComponentChildren, toChildArray } from "preact";
import { useEffect } from "preact/hooks";

/** Renders its children one after the other, a task for each, so that none keeps the page from answering. */
export function Stages({ children }: { children: ComponentChildren }) {
  const all = toChildArray(children);
  const shown = useSignal(1);
  const count = shown.value;
  useEffect(() => {
    if (count >= all.length) return;
    const timer = setTimeout(() => {
      shown.value = count + 1;
    });
    return () => clearTimeout(timer);
  }, [count, all.length]);
  return <>{all.slice(0, count)}</>;
}
