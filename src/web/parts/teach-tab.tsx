import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "../ui/controls.tsx";
import { Empty, Panel } from "../ui/panel.tsx";

const content = signal<FunctionComponent | undefined>(undefined);
const failed = signal(false);

async function load(): Promise<void> {
  failed.value = false;
  try {
    const { Teach } = await import("./teach/teach.tsx");
    content.value = Teach;
  } catch {
    failed.value = true;
  }
}

/** The tab's code comes when it is first opened. */
export function TeachTab() {
  useEffect(() => void load(), []);
  const Content = content.value;
  if (Content) return <Content />;
  return (
    <Panel heading="Teach it">
      <Empty>
        {failed.value ? (
          <>
            <p>The page's server does not answer, and this part of the page is not here yet.</p>
            <Button icon="restart" onClick={() => void load()}>
              Try again
            </Button>
          </>
        ) : (
          "Loading"
        )}
      </Empty>
    </Panel>
  );
}
