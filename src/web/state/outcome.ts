import { computed, effect, signal, untracked } from "@preact/signals";
import type { EpochRecord } from "../../report/epoch-record.ts";
import { type Verdict, type VerdictInput, verdict } from "../../report/verdict.ts";
import { circumstances } from "../../run/judge.ts";
import { partsOf } from "../../run/run.ts";
import { announce, dismiss, notify } from "./notices.ts";
import { runConfig } from "./settings.ts";
import { epochs, learning, phase, progress, type Subject, subject, totals } from "./subject.ts";

/** Where the loss became NaN or infinite in the subject's last run; undefined where it did not. */
export const divergedAt = signal<{ readonly epoch: number; readonly batch: number } | undefined>(undefined);

/**
 * Epoch, from 0, whose weights the model has been given back at the end; undefined where it has the last one's, and while it
 * trains on: then it has weights of its own.
 */
export const keptEpoch = computed(() => {
  const best = totals.value?.bestEpoch;
  return learning.value || best === epochs.value.at(-1)?.epoch ? undefined : best;
});

/** Whether no epoch before the last "Train on" had a better validation accuracy than the one that was kept. */
export const bestOfAll = computed(() => {
  const { bestEpoch, firstEpoch = 0 } = totals.value ?? {};
  const accuracy = (of: EpochRecord | undefined) => of?.val_accuracy ?? Number.NEGATIVE_INFINITY;
  const kept = accuracy(epochs.value.find(({ epoch }) => epoch === bestEpoch));
  return epochs.value.every((record) => record.epoch >= firstEpoch || accuracy(record) <= kept);
});

/** What went wrong in the run that has ended; undefined where nothing did, or one is under way. */
export const outcome = computed<Verdict | undefined>(() => {
  const current = subject.value;
  if (!current || current.origin === "file" || phase.value !== "idle") return undefined;
  if (epochs.value.length === 0 && !divergedAt.value) return undefined;
  return verdict({
    ...circumstancesOf(current),
    history: epochs.value,
    diverged: divergedAt.value,
    keptEpoch: keptEpoch.value,
    steps: totals.value && totals.value.trainedSamples / current.settings.batchSize,
  });
});

/** The same in a word or two. */
export const OUTCOME_WORDS: Readonly<Record<Verdict["kind"], string | undefined>> = {
  diverged: "it diverged",
  "learns-nothing": "it learned nothing",
  overfits: "it overfits",
  classes: undefined,
};

/** Images of the running epoch from which on its mean loss says something. */
const ENOUGH = 320;

/** That a training runs away, while it does: the rest of it would be a waste of time. */
const runsAway = computed<Verdict | undefined>(() => {
  const now = progress.value;
  const current = subject.value;
  if (!current || !now || phase.value !== "training" || now.seen < ENOUGH) return undefined;
  const { epoch, loss, accuracy } = now;
  const found = verdict({ ...circumstancesOf(current), history: [{ epoch, loss, accuracy }] });
  return found?.kind === "diverged" ? found : undefined;
});

effect(() => {
  const found = outcome.value;
  if (found) untracked(() => tell(found));
});
let warned: Subject["trainer"] | undefined;
effect(() => {
  const found = runsAway.value;
  const trainer = subject.peek()?.trainer;
  if (!found || warned === trainer) return;
  warned = trainer;
  untracked(() => tell({ ...found, tryText: `Stop it. ${found.tryText}` }));
});

function tell(found: Verdict): void {
  const grave = found.kind === "diverged" || found.kind === "learns-nothing";
  notify("outcome", `${found.text} ${found.tryText}`, grave ? "fault" : "note");
  announce(found.text);
}

/** Before a run begins. */
export function forgetOutcome(): void {
  divergedAt.value = undefined;
  warned = undefined;
  dismiss("outcome");
}

const known = new WeakMap<Subject, Omit<VerdictInput, "history">>();

function circumstancesOf(current: Subject): Omit<VerdictInput, "history"> {
  const found = known.get(current);
  if (found) return found;
  const { settings, classNames, data } = current;
  const config = runConfig(settings);
  const parts = data && partsOf(data.set, config);
  const made = circumstances(config, classNames, parts);
  known.set(current, made);
  return made;
}
