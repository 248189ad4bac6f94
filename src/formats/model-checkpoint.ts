import { checkOptions } from "../options/check.ts";
import { callable, flag, needed, type OptionsOf, optional, whole, withDefaults } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import { encodeSafetensors } from "../safetensors/safetensors.ts";
import { MONITOR, Watch } from "../train/callbacks/monitor.ts";
import type { EpochInfo, Logs, OwnCallbacks } from "../train/callbacks.ts";
import { saveCheckpoint } from "./checkpoint.ts";

/** What a checkpoint is of. */
export interface CheckpointInfo {
  /** The epoch that has just ended, from 0. */
  readonly epoch: EpochInfo["epoch"];
  /** Its figures. */
  readonly logs: Logs;
}

const table = {
  /** Takes the bytes of a file, and what epoch they are of. A promise is waited for; where it fails, so does fit(). */
  save: needed(
    callable<(bytes: Uint8Array<ArrayBuffer>, info: CheckpointInfo) => unknown>(
      "a function of bytes and { epoch, logs }",
    ),
  ),
  /** Saves after every so many epochs. Default 1. */
  everyEpochs: optional(whole(), 1),
  /** Saves where `monitor` is better than whenever it was looked at before. Default false. */
  saveBestOnly: optional(flag, false),
  /** The weights alone, for decodeSafetensors() and setWeights(). Default false: the training's state, for loadCheckpoint(). */
  saveWeightsOnly: optional(flag, false),
  ...MONITOR,
};

export interface ModelCheckpointOptions extends OptionsOf<typeof table> {}

/**
 * A callback that hands over the training, or its weights, as the bytes of a safetensors file: Keras's ModelCheckpoint. It is
 * told of an epoch after all other callbacks, wherever it stands: what they make of it is in the state.
 *
 * Throws RangeError on options out of range, and on a monitor that chooses nothing, without saveBestOnly; in fit(), where the training does not report the figure of saveBestOnly.
 */
export function modelCheckpoint(options: ModelCheckpointOptions): OwnCallbacks {
  checkOptions({ call: "modelCheckpoint(*)", table }, options);
  const idle = options.saveBestOnly ? undefined : options.monitor !== undefined ? "monitor" : "mode";
  if (idle && options[idle] !== undefined)
    throw new RangeError(
      `modelCheckpoint: ${idle} is ${show(options[idle])}, but without saveBestOnly every epoch is saved. Write: modelCheckpoint({ save, ${idle}: ${show(options[idle])}, saveBestOnly: true })`,
    );
  const filled = withDefaults(table, options);
  const { save, everyEpochs, saveBestOnly, saveWeightsOnly, monitor } = filled;
  const watch = new Watch("modelCheckpoint", { ...filled, minDelta: 0 }, (): { best?: number } => ({}));
  return {
    comesLast: true,
    onTrainBegin(info) {
      if (saveBestOnly) watch.begin(info);
    },
    async onEpochEnd({ epoch }, logs, training) {
      if ((epoch + 1) % everyEpochs !== 0) return;
      if (saveBestOnly) {
        if (!watch.better(logs[monitor]!, watch.kept.best)) return;
        watch.kept.best = logs[monitor]!;
      }
      const bytes = saveWeightsOnly
        ? encodeSafetensors(await training.getWeights(), {})
        : saveCheckpoint(await training.state());
      await save(bytes, { epoch, logs });
    },
    // One that saves all has nothing to remember: a training goes on without it, too.
    ...(saveBestOnly && { state: () => watch.state(), restore: (state: unknown) => watch.restore(state) }),
  };
}
