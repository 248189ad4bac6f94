import { BACKENDS, type Backend } from "../../engine/engine.ts";
import { LOSSES, type LossName } from "../../nn/losses.ts";
import { OPTIMIZERS, type OptimizerName } from "../../optim/optimizer.ts";
import {
  DEFAULT_RATE,
  NUMBERS,
  type NumberSetting,
  numberProblem,
  type Settings,
} from "../state/settings.ts";
import { change, settings } from "../state/setup.ts";
import { Check, NumberInput, parseNumber, Select } from "../ui/controls.tsx";
import { Fold } from "../ui/panel.tsx";

const LOSS_NAMES: Readonly<Record<LossName, string>> = {
  categoricalCrossentropy: "categorical cross-entropy",
  sparseCategoricalCrossentropy: "sparse categorical cross-entropy",
  binaryCrossentropy: "binary cross-entropy",
  meanSquaredError: "mean squared error",
};
const BUILD_NAMES: Readonly<Record<Backend | "auto", string>> = {
  auto: "auto, reproducible",
  scalar: "scalar",
  simd: "simd",
  relaxed: "relaxed, fastest",
};

export function TrainingPanel() {
  const { optimizer, learningRate, loss, batchSize, epochs, keepBest, backend } = settings.value;
  const rate = learningRate ?? DEFAULT_RATE[optimizer];
  return (
    <Fold
      id="training"
      heading="Training"
      summary={`${optimizer} ${rate}, batch ${batchSize}, ${epochs} epoch${epochs === 1 ? "" : "s"}`}
    >
      <div class="fields">
        <Select
          label="Optimizer"
          name="optimizer"
          value={optimizer}
          choices={OPTIMIZERS.map((name) => [name, name])}
          onChange={(value) => change({ optimizer: value as OptimizerName })}
        />
        <NumberField of={NUMBERS.learningRate} placeholder={String(DEFAULT_RATE[optimizer])} />
        <NumberField of={NUMBERS.batchSize} />
        <NumberField of={NUMBERS.epochs} />
      </div>
      <Select
        label="Loss"
        name="loss"
        value={loss}
        choices={LOSSES.map((name) => [name, LOSS_NAMES[name]])}
        onChange={(value) => change({ loss: value as LossName })}
      />
      <div class="fields">
        <NumberField of={NUMBERS.seed} />
        <NumberField of={NUMBERS.validationSplit} />
      </div>
      <Check
        label="Keep the weights of the best validation epoch"
        name="keepBest"
        checked={keepBest}
        onChange={(checked) => change({ keepBest: checked })}
      />
      <div class="fields wide-first">
        <Select
          label="Build of the kernels"
          name="backend"
          value={backend}
          choices={(["auto", ...BACKENDS] as const).map((name) => [name, BUILD_NAMES[name]])}
          onChange={(value) => change({ backend: value as Settings["backend"] })}
        />
        <NumberField of={NUMBERS.threads} placeholder={crossOriginIsolated ? "all cores" : "1"} />
      </div>
      {!crossOriginIsolated && (
        <p class="lead" id="isolation">
          This page trains on one thread: threads need it to be served with the headers
          Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy, as <code>wasmgrad serve</code> does.
        </p>
      )}
    </Fold>
  );
}

function NumberField({ of, placeholder }: { of: NumberSetting; placeholder?: string }) {
  const value = settings.value[of.key];
  return (
    <NumberInput
      label={of.label}
      name={of.key}
      whole={of.whole}
      text={value === undefined || Number.isNaN(value) ? "" : String(value)}
      {...(placeholder !== undefined && { placeholder })}
      problem={numberProblem(of, value)}
      onText={(text) => {
        const parsed = parseNumber(text);
        change({ [of.key]: parsed ?? (of.optional ? undefined : Number.NaN) });
      }}
    />
  );
}
