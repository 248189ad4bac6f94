import { ensureDataset, loading, reachable } from "../state/dataset.ts";
import { outcome } from "../state/outcome.ts";
import { saveReport } from "../state/report.ts";
import { settings } from "../state/setup.ts";
import { epochs, phase, subject, trained } from "../state/subject.ts";
import { runTest, testImages, testing, testResult } from "../state/test.ts";
import { Button } from "../ui/controls.tsx";
import { count, percent, significant } from "../ui/format.ts";
import { Empty, Panel } from "../ui/panel.tsx";
import { Stages } from "../ui/stages.tsx";
import { ClassTable } from "./class-table.tsx";
import { Confusion } from "./confusion.tsx";
import { Filters } from "./filters.tsx";
import { CorrectGallery, WrongGallery } from "./gallery.tsx";
import { Inside } from "./inside.tsx";
import { LoadModel } from "./load-model.tsx";
import { SaveModel } from "./save-model.tsx";

export function ResultsTab() {
  if (!trained.value)
    return (
      <Panel heading="Results">
        <Empty>
          <p>Nothing is trained yet. Train a model, or load one that was saved: its results show here.</p>
          <LoadModel />
        </Empty>
      </Panel>
    );
  return (
    <div class="results">
      <Headline />
      {testResult.value && (
        <Stages>
          <Confusion />
          <WrongGallery />
          <CorrectGallery />
          <Inside />
          <Filters />
          <ClassTable />
        </Stages>
      )}
    </div>
  );
}

function Headline() {
  const result = testResult.value;
  const current = subject.value!;
  const wrong = result?.picks.wrongCount ?? 0;
  const old = result && result.epochs !== epochs.value.length;
  return (
    <Panel
      id="headline"
      heading="Test"
      aside={
        <div class="actions">
          <Button
            id="test-now"
            icon="restart"
            disabled={testing.value || !testImages(current) || phase.value === "testing"}
            onClick={() => void runTest()}
          >
            Test now
          </Button>
          <SaveModel />
          <Button
            id="save-report"
            icon="save"
            disabled={!result || phase.value !== "idle" || epochs.value.length === 0}
            onClick={() => void saveReport()}
          >
            Save report
          </Button>
          <LoadModel />
        </div>
      }
    >
      {testImages(current) ? (
        <dl class="headline">
          <div class="hero">
            <dt>Test accuracy</dt>
            <dd id="test-accuracy">{percent(result?.accuracy, 2)}</dd>
          </div>
          <div>
            <dt>Test loss</dt>
            <dd>{significant(result?.loss)}</dd>
          </div>
          <div>
            <dt>Wrong</dt>
            <dd>{result ? `${count(wrong)} of ${count(result.set.count)}` : "–"}</dd>
          </div>
          <div>
            <dt>Model</dt>
            <dd>{current.name}</dd>
          </div>
        </dl>
      ) : (
        <NoTestImages />
      )}
      {result && <Parts />}
      {outcome.value && <p class="lead">{`${outcome.value.text} ${outcome.value.tryText}`}</p>}
      {old && (
        <p class="lead">
          Tested after epoch {result.epochs}; training has gone on since. "Test now" looks again.
        </p>
      )}
    </Panel>
  );
}

const PARTS: readonly (readonly [id: string, name: string])[] = [
  ["confusion", "Confusion matrix"],
  ["wrong", "Wrong"],
  ["correct", "Correct"],
  ["inside", "Through the layers"],
  ["filters", "Filters"],
  ["classes", "By class"],
];

/** The way to a part of this long page, for the keyboard's focus, too. */
function Parts() {
  const go = (id: string) => {
    const part = document.getElementById(id);
    part?.scrollIntoView();
    part?.focus({ preventScroll: true });
  };
  return (
    <nav class="results-nav" aria-label="Parts of the results">
      {PARTS.map(([id, name]) => (
        <button key={id} type="button" class="button small" onClick={() => go(id)}>
          {name}
        </button>
      ))}
    </nav>
  );
}

/** A model from a file whose dataset is not here. */
function NoTestImages() {
  const { metadata, classNames, trainer } = subject.value!;
  const name = metadata.dataset;
  const known = name !== undefined && reachable(name);
  return (
    <div class="offer">
      <p>
        {`The model takes images of ${trainer.model.inputShape.join(" × ")} in ${classNames.length} classes. `}
        {name === undefined
          ? "Choose a dataset of that kind on the Train tab to test it."
          : `It was trained on ${name}${known ? "" : ": choose that dataset on the Train tab to test it"}.`}
      </p>
      {known && (
        <Button
          icon="save"
          disabled={loading.value !== undefined}
          onClick={() =>
            void ensureDataset(name, settings.value.dataset === name ? settings.value.images : undefined)
              .then(runTest)
              .catch(() => {})
          }
        >
          {`Get ${name} and test`}
        </Button>
      )}
    </div>
  );
}
