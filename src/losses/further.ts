// Losses whose kernels lie in assembly/further/: a worker has them where it asks for one, see browser/host/given.ts.
import { BINARY_FOCAL_CROSSENTROPY } from "./binary-focal-crossentropy.ts";
import { CATEGORICAL_FOCAL_CROSSENTROPY } from "./categorical-focal-crossentropy.ts";
import { CATEGORICAL_HINGE } from "./categorical-hinge.ts";
import { COSINE_SIMILARITY } from "./cosine-similarity.ts";
import { HINGE } from "./hinge.ts";
import { HUBER } from "./huber.ts";
import { KL_DIVERGENCE } from "./kl-divergence.ts";
import { LOG_COSH } from "./log-cosh.ts";
import { MEAN_ABSOLUTE_PERCENTAGE_ERROR } from "./mean-absolute-percentage-error.ts";
import { MEAN_SQUARED_LOGARITHMIC_ERROR } from "./mean-squared-logarithmic-error.ts";
import { POISSON } from "./poisson.ts";
import { SQUARED_HINGE } from "./squared-hinge.ts";

export const FURTHER_LOSSES = [
  BINARY_FOCAL_CROSSENTROPY,
  CATEGORICAL_FOCAL_CROSSENTROPY,
  MEAN_ABSOLUTE_PERCENTAGE_ERROR,
  MEAN_SQUARED_LOGARITHMIC_ERROR,
  HUBER,
  LOG_COSH,
  KL_DIVERGENCE,
  POISSON,
  HINGE,
  SQUARED_HINGE,
  CATEGORICAL_HINGE,
  COSINE_SIMILARITY,
] as const;
