export { accuracySvg, lossSvg } from "./curves.ts";
export type { EpochRecord } from "./epoch-record.ts";
export { type GalleryOptions, galleryItems, type Pick, type Picks, pickGallery } from "./gallery.ts";
export { reportHtml } from "./html.ts";
export { type KeptEpoch, type KeptMark, keptMark } from "./kept.ts";
export {
  type ClassFigures,
  type ClassReport,
  classReport,
  confusionMatrix,
  type Mistake,
  type Predictions,
  predictedClasses,
  topMistakes,
} from "./metrics.ts";
export { type ReportedModel, type ReportedTraining, reportOf } from "./report-of.ts";
export type {
  Configuration,
  GalleryItem,
  Report,
  ReportDataset,
  ReportFilters,
  ReportGallery,
  ReportLayer,
  ReportMachine,
  ReportModel,
  ReportTiming,
  Setting,
} from "./types.ts";
export { classCounts, type Verdict, type VerdictInput, type VerdictKind, verdict } from "./verdict.ts";
