import { dataset, downloadShare, isGenerated, loading } from "../state/dataset.ts";
import { OUTCOME_WORDS, outcome } from "../state/outcome.ts";
import { pause, restart, resume, start, stop, trainOn } from "../state/run.ts";
import { OWN_FILES } from "../state/settings.ts";
import { built, problem, settings } from "../state/setup.ts";
import { epochs, phase, progress, running, subject, trained } from "../state/subject.ts";
import { testing } from "../state/test.ts";
import { Button } from "../ui/controls.tsx";
import { count, megabytes, percent, significant } from "../ui/format.ts";

/** The run's controls and figures, on every tab. */
export function RunBar() {
  return (
    <section class="run-bar" aria-label="Training">
      <div class="run-buttons">
        <MainButton />
        <Button id="stop" icon="stop" disabled={!running.value && phase.value !== "preparing"} onClick={stop}>
          Stop
        </Button>
        <Button
          id="restart"
          icon="restart"
          disabled={!(running.value || (phase.value === "idle" && trained.value)) || !!problem.value}
          onClick={restart}
        >
          Restart
        </Button>
      </div>
      <div class="run-progress">
        <p id="status" title={problem.value}>
          {statusText()}
        </p>
        <ProgressBar />
      </div>
      <Figures />
    </section>
  );
}

function MainButton() {
  const common = { id: "train", kind: "primary" } as const;
  if (phase.value === "training")
    return (
      <Button {...common} icon="pause" onClick={pause}>
        Pause
      </Button>
    );
  if (phase.value === "paused")
    return (
      <Button {...common} icon="play" onClick={resume}>
        Resume
      </Button>
    );
  const idle = phase.value === "idle";
  return canTrainOn() ? (
    <Button {...common} icon="forward" disabled={!idle} onClick={trainOn}>
      Train on
    </Button>
  ) : (
    <Button {...common} icon="play" disabled={!idle || !!problem.value} onClick={start}>
      Train
    </Button>
  );
}

/** Whether the model at hand is what the settings describe, so that more epochs can follow. */
function canTrainOn(): boolean {
  const current = subject.value;
  if (!current?.data || !trained.value) return false;
  // Other files of the visitor's own are chosen by the same setting.
  if (settings.value.dataset === OWN_FILES && dataset.value?.set.test !== current.data.set.test) return false;
  const { epochs: _, ...made } = current.settings;
  const { epochs: __, ...chosen } = settings.value;
  return JSON.stringify(made) === JSON.stringify(chosen);
}

function statusText(): string {
  const now = progress.value;
  switch (phase.value) {
    case "preparing":
      return loadingText();
    case "training":
    case "paused":
    case "stopping": {
      const state = { training: "", paused: "Paused. ", stopping: "Stopping. " }[phase.value];
      return now
        ? `${state}Epoch ${now.epoch + 1} of ${now.epochs}: ${count(now.seen)} of ${count(now.samples)} images`
        : `${state}Starting`;
    }
    case "testing":
      return "Classifying the test images";
    case "idle":
      if (loading.value) return loadingText();
      if (built.value.problem) return "The model does not fit: its layers say why";
      if (problem.value) return problem.value;
      if (testing.value) return "Classifying the test images";
      if (!trained.value) return "Ready to train";
      if (epochs.value.length === 0)
        return subject.value?.origin === "file" ? "Model loaded" : `Stopped${outcomeWords()}`;
      return `${epochs.value.length} epoch${epochs.value.length === 1 ? "" : "s"} trained${outcomeWords()}`;
  }
}

function outcomeWords(): string {
  const words = outcome.value && OUTCOME_WORDS[outcome.value.kind];
  return words ? `: ${words}` : "";
}

function loadingText(): string {
  const now = loading.value;
  if (!now) return "Preparing";
  if (isGenerated(now.name)) return "Drawing digits";
  if (now.file === undefined) return `Looking for ${now.name} in this browser`;
  const of = now.total === undefined ? "" : ` of ${megabytes(now.total)}`;
  return `Downloading ${now.name}, file ${now.filesDone + 1} of 4: ${megabytes(now.received)}${of}`;
}

function ProgressBar() {
  const now = progress.value;
  const download = loading.value;
  const share = download
    ? downloadShare(download)
    : now && phase.value !== "preparing"
      ? (now.epoch + now.seen / now.samples) / now.epochs
      : 0;
  return (
    <progress
      value={Math.min(1, share)}
      max={1}
      aria-label={download ? "Download" : "Training progress"}
      class={phase.value === "paused" ? "paused" : undefined}
    />
  );
}

function Figures() {
  const now = progress.value;
  const last = epochs.value.at(-1);
  const engine = subject.value?.trainer.info;
  return (
    <dl class="run-figures">
      <Figure name="Loss" value={significant(now?.loss)} />
      <Figure name="Accuracy" value={percent(now?.accuracy)} />
      <Figure name="Validation" value={percent(last?.val_accuracy)} />
      <Figure name="Images/s" value={now ? count(now.imagesPerSecond) : "–"} id="speed" />
      <Figure
        name="Engine"
        value={engine ? `${engine.backend}, ${engine.threads} thread${engine.threads === 1 ? "" : "s"}` : "–"}
        id="engine"
      />
    </dl>
  );
}

function Figure({ name, value, id }: { name: string; value: string; id?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd id={id}>{value}</dd>
    </div>
  );
}
