export { ModelError } from "./compiler/errors.ts";
export type { GraphBuilder, Shape, Value } from "./compiler/graph.ts";
export { generateDigits } from "./data/digits.ts";
export * from "./data/index.ts";
export type { DigitsOptions } from "./data/load-options.ts";
export type { ColorMode, Interpolation, PictureFit, PictureOptions, Resize } from "./data/picture-options.ts";
export type { StreamedImageSet } from "./data/streamed.ts";
export { BACKENDS, type Backend, type WasmSource } from "./engine/kernels.ts";
export { MemoryError } from "./engine/memory-error.ts";
export { CheckpointError, loadCheckpoint, saveCheckpoint } from "./formats/checkpoint.ts";
export type { CsvLoggerOptions, TensorBoardOptions } from "./formats/logs/options.ts";
export {
  type CheckpointInfo,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from "./formats/model-checkpoint.ts";
export { type LoadedModel, ModelFileError, type ModelMetadata, saveModel } from "./formats/model-file.ts";
export { exportModel, modelCard } from "./interchange/export-model.ts";
export { loadModel } from "./interchange/load-model.ts";
export type { CardOptions, ExportOptions, FormatName, LoadModelOptions } from "./interchange/options.ts";
export type { Files } from "./interchange/portable.ts";
export { defineLoss, type LossDefinition } from "./losses/define.ts";
export type { Loss, LossBatch } from "./losses/loss.ts";
export * from "./losses/make.ts";
export { LOSSES, type LossData, type LossName } from "./losses/names.ts";
export { defineMetric, type MetricDefinition } from "./metrics/define.ts";
export * from "./metrics/make.ts";
export { METRICS, type Metric, type MetricBatch, type MetricName } from "./metrics/metric.ts";
export { IMAGE_MODELS } from "./model/image-models.ts";
export * from "./model/layers/index.ts";
export type { LayerDefinition } from "./model/layers/layer.ts";
export { defineLayer, type LayerFunction } from "./model/layers/own.ts";
export type { SymbolicTensor } from "./model/layers/types.ts";
export { layersFromConfig, type ModelConfig } from "./model/model-json.ts";
export { MODELS, namedModel } from "./model/models.ts";
export * from "./optim/index.ts";
export * as kinds from "./options/kinds.ts";
export { type Picture, PictureError } from "./picture/picture.ts";
export { pictureOf } from "./picture/pixels.ts";
export { type PictureHints, type Prepared, type PrepareOptions, preparePicture } from "./picture/prepare.ts";
export type { PicturePixels, PictureSource } from "./picture/source.ts";
export type { Configuration, ReportMachine } from "./report/types.ts";
export type { CallbackData, CallbackGiven, CallbackName } from "./run/callbacks.ts";
export type { RunCheckpointInfo } from "./run/checkpoint.ts";
export {
  type CheckpointEvery,
  checkRunConfig,
  type ModelData,
  type OptimizerData,
  type RunConfig,
  RunConfigError,
  type RunOptions,
} from "./run/config.ts";
export type { Learner } from "./run/learner.ts";
export type { RunResult } from "./run/result.ts";
export type { RunHooks, RunOutcome } from "./run/run.ts";
export type { ReadyRun, StoppedBy, TrainedRun } from "./run/types.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  SafetensorsError,
} from "./safetensors/safetensors.ts";
export type { LabelsSource } from "./sources/answers.ts";
export type { FolderSource } from "./sources/file-list.ts";
export type {
  DirectoryImages,
  ImageDirectoryOptions,
  ImageFilesOptions,
  StreamedDirectoryImages,
} from "./sources/image-set.ts";
export type { SavedDataset, SavedImages } from "./sources/npz-file.ts";
export type { BadFile } from "./sources/pictures.ts";
export type { ImagesSource, MadeSamples, SamplesFromOptions } from "./sources/samples-from.ts";
export { type SaveNpzOptions, saveNpz } from "./sources/save-npz.ts";
export { type AdaptOptions, adapt, type Statistics } from "./train/adapt.ts";
export { type EarlyStoppingOptions, earlyStopping } from "./train/callbacks/early-stopping.ts";
export { learningRateScheduler } from "./train/callbacks/learning-rate-scheduler.ts";
export { type ReduceLROnPlateauOptions, reduceLROnPlateau } from "./train/callbacks/reduce-lr-on-plateau.ts";
export { type TerminateOnNaNOptions, terminateOnNaN } from "./train/callbacks/terminate-on-nan.ts";
export type {
  BatchInfo,
  Callbacks,
  EpochInfo,
  History,
  Logs,
  ModelView,
  TrainInfo,
  TrainingHandle,
} from "./train/callbacks.ts";
export type { SetWeightsOptions, WeightsTaken } from "./train/check-weights.ts";
export type { ByOutput, CompileOptions, LayerActivation } from "./train/compiled-options.ts";
export { NonFiniteError, type NonFiniteSource, TrainingDivergedError } from "./train/errors.ts";
export type { EvaluateOptions, Evaluation, PredictOptions } from "./train/evaluate.ts";
export type { ClassWeight, FitOptions } from "./train/fit.ts";
export { type FunctionalOptions, model, modelFromConfig } from "./train/functional.ts";
export { Model } from "./train/model.ts";
export { createModel } from "./train/named.ts";
export { optimizerState, setOptimizerState } from "./train/optimizer-state.ts";
export {
  type PictureClass,
  type PictureModel,
  type PredictedPicture,
  type PredictPictureOptions,
  predictPicture,
} from "./train/predict-picture.ts";
export { createReport, type Reported, type ReportOptions } from "./train/report.ts";
export {
  type Pixels,
  type PlainSamples,
  type Samples,
  SamplesError,
  type SampleWeights,
} from "./train/samples.ts";
export { Sequential, sequential } from "./train/sequential.ts";
export type { SampleSource } from "./train/source.ts";
export type { Trainable } from "./train/trainable.ts";
export type { Training } from "./train/training.ts";
export type { OptimizerSnapshot, TrainingSetting, TrainingState } from "./train/training-state.ts";
export { type Freeze, type TransferBase, type TransferOptions, transferModel } from "./train/transfer.ts";
export type { ValidationSource } from "./train/validation.ts";
