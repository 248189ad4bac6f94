import { useEffect } from "preact/hooks";
import { dropTaker } from "../../state/drops.ts";
import { stopCamera } from "../../state/teach/camera.ts";
import { restoreTaught } from "../../state/teach/keep.ts";
import { restoring } from "../../state/teach/learn.ts";
import { givenDropped, takeFiles } from "../../state/teach/read.ts";
import { Empty, Panel } from "../../ui/panel.tsx";
import { BasePanel } from "./base-panel.tsx";
import { ClassesPanel } from "./classes-panel.tsx";
import { KeepPanel } from "./keep-panel.tsx";
import { LearnPanel } from "./learn-panel.tsx";
import { LivePanel } from "./live-panel.tsx";

void restoreTaught();

/** What lies under the pointer says what dropped files are for. */
function take(event: DragEvent): void {
  const card = (event.target as Element | null)?.closest<HTMLElement>("[data-taught]");
  const target = card ? Number(card.dataset.taught) : undefined;
  // Asked for at once: browsers forget what was dropped.
  const given = givenDropped(event.dataTransfer!);
  void given.then((files) => takeFiles(files, target));
}

/** Teaches a model what the visitor shows it. */
export function Teach() {
  useEffect(() => {
    dropTaker.value = take;
    return () => {
      dropTaker.value = undefined;
      stopCamera();
    };
  }, []);
  if (restoring.value)
    return (
      <Panel heading="Teach it">
        <Empty>Looking for what was taught before</Empty>
      </Panel>
    );
  return (
    <div class="teach">
      <LivePanel />
      <ClassesPanel />
      <BasePanel />
      <LearnPanel />
      <KeepPanel />
    </div>
  );
}
