import { lossName } from "../../losses/names.ts";
import { isGraphConfig, layersFromConfig } from "../../model/model-json.ts";
import { MODELS } from "../../model/models.ts";
import type { ScheduleData } from "../../optim/schedules/schedule.ts";
import { checkRunConfig, type ModelData, RunConfigError, type RunOptions } from "../../run/config.ts";
import { modelFromConfig } from "../../train/functional.ts";
import { layersOfConfig } from "./branches.ts";
import { CALLBACK_TYPES, callbacksFrom, scheduleFrom } from "./callbacks.ts";
import { type LayerSpec, withoutDefaults } from "./layers.ts";
import {
  CHOICES,
  CUSTOM,
  DEFAULTS,
  DIGITS_IMAGES,
  runConfig,
  type Settings,
  settingsProblem,
} from "./settings.ts";

/**
 * The page's settings for a run as plain data, or out of a run's result.json.
 * Throws RunConfigError, ModelError where it is none, or has a setting that this page has not.
 */
export function settingsOfRun(given: RunOptions): Settings {
  const config = checkRunConfig(given);
  const { dataset, digitsCount, trainLimit, model, optimizer, restoreBest } = config;
  const { loss, batchSize, epochs, validationSplit, seed, backend, threads } = config;
  const images = digitsCount === DIGITS_IMAGES ? undefined : (digitsCount ?? trainLimit);
  const usual = checkRunConfig({ optimizer: optimizer.name }).optimizer.learningRate;
  const { learningRate } = optimizer;
  if (config.recipe) throw lacking("recipe");
  if (config.base !== undefined) throw lacking("base");
  const callbacks = config.callbacks ?? [];
  const names = callbacks.map(({ name }) => name);
  if (!names.every((name) => Object.hasOwn(CALLBACK_TYPES, name)) || new Set(names).size < names.length)
    throw lacking("callbacks");
  const settings: Settings = {
    ...DEFAULTS,
    ...{ dataset, images, loss: lossName(loss), batchSize, epochs, validationSplit, seed, backend, threads },
    ...(typeof model === "string" ? { model } : { model: CUSTOM, layers: layersOf(model) }),
    optimizer: optimizer.name,
    ...(typeof learningRate === "number"
      ? { learningRate: learningRate === usual ? undefined : learningRate }
      : { schedule: scheduleFrom(learningRate as unknown as ScheduleData) }),
    callbacks: callbacksFrom(callbacks),
    keepBest: validationSplit > 0 ? restoreBest === "val_accuracy" : DEFAULTS.keepBest,
  };
  const problem = settingsProblem(settings);
  if (problem !== undefined) throw new RunConfigError(problem);
  if (!CHOICES.dataset.includes(dataset)) throw lacking("dataset");
  if (settings.model !== CUSTOM && !Object.hasOwn(MODELS, settings.model)) throw lacking("model");
  // What the settings cannot say is not in what they say.
  const said: Readonly<Record<string, unknown>> = runConfig(settings);
  for (const [key, value] of Object.entries(config))
    if (
      key !== "model" &&
      !(key === "callbacks" && callbacks.length === 0) &&
      JSON.stringify(said[key]) !== JSON.stringify(value)
    )
      throw lacking(key);
  return settings;
}

/** The layers of a model, as the editor has them. */
function layersOf(model: ModelData): LayerSpec[] {
  if ("layers" in model && isGraphConfig(model)) {
    // Read as any other program would, so that what it leaves out and what is wrong is known.
    const layers = layersOfConfig(modelFromConfig(model).toConfig());
    if (!layers) throw lacking("model");
    return layers;
  }
  const layers = layersFromConfig("layers" in model ? model : { layers: model });
  return layers.map(({ type, config }) => withoutDefaults({ type, ...config }));
}

function lacking(key: string): RunConfigError {
  return new RunConfigError(`this page cannot set ${key} so: wasmgrad train --config can`);
}
