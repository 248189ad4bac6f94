import { computed, effect, signal, untracked } from "@preact/signals";
import type { EpochRecord } from "../../report/epoch-record.ts";
import { type Verdict, type VerdictInput, verdict } from "../../report/verdict.ts";
import { countsOf as classesOf, splitForValidation, wholePart } from "../../train/validation.ts";
import { announce, dismiss, notify } from "./notices.ts";
import { DEFAULT_RATE, validationSource } from "./settings.ts";
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
    ...circumstances(current),
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
  const found = verdict({ ...circumstances(current), history: [{ epoch, loss, accuracy }] });
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

const counted = new WeakMap<Subject, Pick<VerdictInput, "trainCounts" | "validationCounts">>();

function circumstances(current: Subject): Omit<VerdictInput, "history"> {
  const { settings, classNames } = current;
  return {
    ...countsOf(current),
    loss: settings.loss,
    classes: classNames.length,
    classNames,
    optimizer: settings.optimizer,
    learningRate: settings.learningRate ?? DEFAULT_RATE[settings.optimizer],
  };
}

/** Images of each class in both parts, as fit() splits them. */
function countsOf(current: Subject): Pick<VerdictInput, "trainCounts" | "validationCounts"> {
  const known = counted.get(current);
  if (known || !current.data) return known ?? {};
  const images = current.data.set.train;
  const classes = current.classNames.length;
  const { validationSplit, seed } = current.settings;
  const { train, validation } =
    validationSplit > 0
      ? splitForValidation(images, validationSplit, validationSource(current.settings), seed)
      : { train: wholePart(images), validation: undefined };
  const counts = {
    trainCounts: classesOf(train, classes),
    validationCounts: validation && classesOf(validation, classes),
  };
  counted.set(current, counts);
  return counts;
}
