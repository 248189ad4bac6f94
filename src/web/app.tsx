import { BenchmarkTab } from "./parts/benchmark.tsx";
import { Curves } from "./parts/curves.tsx";
import { DatasetPanel } from "./parts/dataset-panel.tsx";
import { Diagram } from "./parts/diagram.tsx";
import { DrawTab } from "./parts/draw.tsx";
import { DropZone } from "./parts/drop-zone.tsx";
import { Filters } from "./parts/filters.tsx";
import { Glance } from "./parts/glance.tsx";
import { Header } from "./parts/header.tsx";
import { LoadModel } from "./parts/load-model.tsx";
import { ModelPanel } from "./parts/model-panel.tsx";
import { Notices } from "./parts/notices.tsx";
import { ResultsTab } from "./parts/results.tsx";
import { RunBar } from "./parts/run-bar.tsx";
import { TeachTab } from "./parts/teach-tab.tsx";
import { TrainingPanel } from "./parts/training-panel.tsx";
import { forgetKept, keeps, keptTrainer } from "./state/kept.ts";
import { saveModelFile } from "./state/model-file.ts";
import { worksOffline } from "./state/offline.ts";
import { restoreKept } from "./state/restore.ts";
import { tab } from "./state/setup.ts";
import { busy, phase, subject, trained } from "./state/subject.ts";
import { Button } from "./ui/controls.tsx";

const CONTENT = {
  train: TrainTab,
  results: ResultsTab,
  draw: DrawTab,
  teach: TeachTab,
  benchmark: BenchmarkTab,
} as const;

export function App() {
  const Content = CONTENT[tab.value];
  return (
    <DropZone>
      <Header />
      {(tab.value !== "teach" || busy.value) && <RunBar />}
      <Notices />
      <main>
        <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
          <Content />
        </div>
      </main>
      <footer class="foot">
        <p>
          Everything happens in this tab: images, drawings and models never leave your machine. Only a dataset
          that you choose is downloaded, from its public mirror.
          {worksOffline.value && <span id="offline"> The page itself now works without a network, too.</span>}
        </p>
        {keeps.value && (
          <p id="kept">
            {"The last model that was trained here is kept in this browser. "}
            {phase.value === "idle" && keptTrainer.value !== subject.value?.trainer && (
              <>
                <button type="button" class="link" onClick={() => void restoreKept()}>
                  Restore it
                </button>{" "}
              </>
            )}
            <button type="button" class="link" onClick={() => void forgetKept()}>
              Forget it
            </button>
          </p>
        )}
      </footer>
    </DropZone>
  );
}

function TrainTab() {
  return (
    <div class="train">
      <section class="setup" aria-label="What is trained">
        <DatasetPanel />
        <ModelPanel />
        <TrainingPanel />
        <p class="lead">What is changed while a model trains holds for the next run.</p>
        <div class="actions">
          <LoadModel />
          <Button icon="save" disabled={!trained.value} onClick={() => void saveModelFile()}>
            Save model
          </Button>
        </div>
      </section>
      <div class="outcome">
        <Curves />
        <Glance />
        <Diagram />
        <Filters />
      </div>
    </div>
  );
}
