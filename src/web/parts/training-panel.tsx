import { useState } from "preact/hooks";
import { BACKENDS } from "../../engine/engine.ts";
import { sharesMemory } from "../../engine/platform/web.ts";
import { LOSSES, type LossName } from "../../losses/names.ts";
import { OPTIMIZERS, type OptimizerName } from "../../optim/definitions.ts";
import { SCHEDULE_TYPES } from "../state/callbacks.ts";
import {
  DEFAULT_RATE,
  DEFAULTS,
  NUMBERS,
  type NumberSetting,
  numberProblem,
  type Settings,
} from "../state/settings.ts";
import { change, settings } from "../state/setup.ts";
import { Check, NumberInput, parseNumber, Select } from "../ui/controls.tsx";
import { Fold } from "../ui/panel.tsx";
import { CallbackFields, ScheduleFields } from "./callback-fields.tsx";

/** categoricalCrossentropy: categorical cross-entropy. */
const inWords = (loss: LossName) =>
  loss.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace("crossentropy", "cross-entropy");
const BUILD_NAMES: Readonly<Record<(typeof BACKENDS)[number] | "auto", string>> = {
  auto: "auto: same result everywhere",
  scalar: "scalar",
  simd: "simd",
  relaxed: "relaxed: fastest, may differ",
};

/** Settings that experts know; the page opens them where an address has changed one. */
const ADVANCED = [
  "optimizer",
  "schedule",
  "loss",
  "seed",
  "keepBest",
  "callbacks",
  "backend",
  "threads",
] as const;

export function TrainingPanel() {
  const { optimizer, learningRate, schedule, batchSize, epochs } = settings.value;
  const rate = schedule
    ? SCHEDULE_TYPES[schedule.name]!.label.toLowerCase()
    : (learningRate ?? DEFAULT_RATE[optimizer]);
  return (
    <Fold
      id="training"
      heading="Training"
      summary={`${epochs} epoch${epochs === 1 ? "" : "s"}, ${optimizer} ${rate}, batch ${batchSize}`}
    >
      <div class="fields">
        <NumberField of={NUMBERS.epochs} hint="times through all images" />
        <NumberField
          of={NUMBERS.learningRate}
          placeholder={String(DEFAULT_RATE[optimizer])}
          hint={schedule ? "its way over time is set below" : "size of each correction"}
        />
        <NumberField of={NUMBERS.batchSize} hint="images between corrections" />
        <NumberField of={NUMBERS.validationSplit} hint="held back for checking" />
      </div>
      <Advanced />
    </Fold>
  );
}

function Advanced() {
  const { optimizer, loss, keepBest, backend } = settings.value;
  const [open, setOpen] = useState(() => ADVANCED.some((key) => settings.peek()[key] !== DEFAULTS[key]));
  return (
    <details
      class="advanced"
      id="advanced"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Advanced</summary>
      <div class="advanced-body">
        <div class="fields">
          <Select
            label="Optimizer"
            name="optimizer"
            value={optimizer}
            choices={OPTIMIZERS.map((name) => [name, name])}
            onChange={(value) => change({ optimizer: value as OptimizerName })}
          />
          <NumberField of={NUMBERS.seed} hint="same seed, same result" />
        </div>
        <Select
          label="Loss"
          name="loss"
          value={loss}
          choices={LOSSES.map((name) => [name, inWords(name)])}
          onChange={(value) => change({ loss: value as LossName })}
        />
        <ScheduleFields />
        <div class="callbacks">
          <Check
            label="Keep the weights of the best validation epoch"
            name="keepBest"
            checked={keepBest}
            onChange={(checked) => change({ keepBest: checked })}
          />
          <CallbackFields />
        </div>
        <div class="fields wide-first">
          <Select
            label="Kernels (WebAssembly build)"
            name="backend"
            value={backend}
            choices={(["auto", ...BACKENDS] as const).map((name) => [name, BUILD_NAMES[name]])}
            onChange={(value) => change({ backend: value as Settings["backend"] })}
          />
          <NumberField of={NUMBERS.threads} placeholder={sharesMemory() ? "all cores" : "1"} />
        </div>
        {!sharesMemory() && (
          <p class="lead" id="isolation">
            {crossOriginIsolated ? (
              "This page trains on one thread: this browser lets no page share memory between threads."
            ) : (
              <>
                This page trains on one thread: threads need it to be served with the headers
                Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy, as <code>wasmgrad serve</code>{" "}
                does.
              </>
            )}
          </p>
        )}
      </div>
    </details>
  );
}

interface NumberFieldProps {
  readonly of: NumberSetting;
  readonly placeholder?: string;
  readonly hint?: string;
}

function NumberField({ of, placeholder, hint }: NumberFieldProps) {
  const value = settings.value[of.key];
  return (
    <NumberInput
      label={of.label}
      name={of.key}
      whole={of.whole}
      text={value === undefined || Number.isNaN(value) ? "" : String(value)}
      {...(placeholder !== undefined && { placeholder })}
      {...(hint !== undefined && { hint })}
      problem={numberProblem(of, value)}
      onText={(text) => {
        const parsed = parseNumber(text);
        change({ [of.key]: parsed ?? (of.optional ? undefined : Number.NaN) });
      }}
    />
  );
}
