import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { dragging, dropTaker } from "../state/drops.ts";
import { openFiles } from "../state/open-files.ts";

/** Files may be dropped anywhere on the page; on a tab that takes them itself, on that. */
export function DropZone({ children }: { children: ComponentChildren }) {
  useEffect(() => {
    // Entering a child comes before leaving its parent: count to know when the page is left.
    let depth = 0;
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth++;
      dragging.value = true;
    };
    const leave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      dragging.value = depth > 0;
    };
    const allow = (event: DragEvent) => {
      if (carriesFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      dragging.value = false;
      if (dropTaker.value) dropTaker.value(event);
      else void openFiles([...event.dataTransfer!.files]);
    };
    const listeners = { dragenter: enter, dragleave: leave, dragover: allow, drop } as const;
    for (const [name, listener] of Object.entries(listeners))
      addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners))
        removeEventListener(name, listener as EventListener);
    };
  }, []);
  return (
    <>
      {children}
      {dragging.value && !dropTaker.value && (
        <div class="drop-overlay" aria-hidden="true">
          <p>
            Drop a picture to have it classified, a saved model, or files of images and labels to train on
          </p>
        </div>
      )}
    </>
  );
}
