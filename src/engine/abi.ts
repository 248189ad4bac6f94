// Written by scripts/abi.mjs from assembly/: do not edit.

/** max(x, 0) */
export const RELU = 0;

/** x > 0 ? x : alpha x; alpha >= 0 (Keras's negative_slope, default 0.3) */
export const LEAKY_RELU = 1;

/** x > 0 ? x : alpha (e^x - 1); alpha >= 0 (Keras default 1) */
export const ELU = 2;

/** 1 / (1 + e^-x) */
export const SIGMOID = 3;

export const TANH = 4;

/** Scratch of batchNormSums: two sums for two vectors of columns. */
export const SUMS_SCRATCH = 64;

/** Numbers of coefficients: two a channel. */
export const coefficientCount = (C: number): number => 2 * C;

/** Channels in one task of batchNormConstants, batchNormInference and batchNormGradients. */
export const NORM_CHANNELS = 16;

/** Scratch of those of them that add up what tasks have summed: two f64 a channel. */
export const NORM_SCRATCH = 256;

/** Bytes of constants. */
export const constantsBytes = (C: number): number => 5 * 4 * C;

/** Bytes of partials, of the sums over some rows in each of so many tasks: two f64 a channel. */
export const partialBytes = (C: number, tasks: number): number => 16 * C * tasks;

/** Scratch of batchNormStatistics: three sums for two vectors of columns. */
export const STATISTICS_SCRATCH = 96;

/** Rows whose sums are f32 before they are combined in f64. */
export const NORM_BLOCK = 256;

/** Rows of patches of fewer numbers are copied or taken four at once: too short to be walked in place. */
export const SHORT_RUN = 16;

/** Scratch of conv2dForward: the gathered patches of one output row. */
export const gatheredBytes = (OW: number, K: number): number => 4 * OW * K;

/** Scratch of conv2dBackwardInput: n numbers of dx, where that is cropped, and for whole patches those of an output row. */
export const inputScratch = (n: number, OW: number, K: number, crop: boolean, patches: boolean): number =>
  (crop ? 4 * n : 0) + (patches ? gatheredBytes(OW, wholePanels(K)) : 0);

/** Columns of the convolution that a window reaches: what lies beyond the last one is not computed. */
export const columnsUnder = (
  OW: number,
  PW: number,
  poolStrideW: number,
  poolLeft: number,
  poolW: number,
): number => Math.min(OW, (PW - 1) * poolStrideW - poolLeft + poolW);

/** Rows of the convolution under `block` rows of the pool, at most. */
export const rowsUnder = (OH: number, block: number, poolStrideH: number, poolH: number): number =>
  Math.min(OH, (block - 1) * poolStrideH + poolH);

/** Bytes of limits at the start of scratch, see convpool-doubts.ts: a number for each channel. */
export const limitBytes = (OC: number): number => 4 * wholePanels(OC);

/** Scratch of convPoolForward with direct products: a panel of so many outputs, and their patches, where rows of those are short. */
export const directScratch = (OC: number, outputs: number, run: number, K: number): number =>
  limitBytes(OC) + PANEL_ROW * outputs + (run < SHORT_RUN ? 4 * outputs * K : 0);

/** The same with Winograd's: the panel of one image's rows x columns tiles, and what their products take. */
export const windowScratch = (
  m: number,
  images: number,
  rows: number,
  columns: number,
  C: number,
  OC: number,
): number =>
  limitBytes(OC) + PANEL_ROW * (m * m * rows * columns) + blockScratch(m, images, rows, columns, C);

/** f32 of one patch row of `run`, rounded up to whole vectors. */
export const paddedRun = (run: number): number => Math.ceil(run / LANES) * LANES;

/** Bytes of one patch of padded rows, and of one channel's filter that packFilterRows packs. */
export const patchBytes = (KH: number, run: number): number => 4 * KH * paddedRun(run);

/** Bytes of lists of n entries: (f32 gradient, u32 address). */
export const listBytes = (n: number): number => 8 * n;

/** Output channels in one task of backwardFilter. */
export const LIST_CHANNELS = 8;

/** Scratch of convPoolBackwardFilter: lists of n entries, sums of patches, and the ends of four lists and -1 and the window's places. */
export const filterListScratch = (n: number, KH: number, run: number, places: number): number =>
  LIST_CHANNELS * (listBytes(n) + patchBytes(KH, run)) + 4 * (places + 5);

/** Whether a patch row of `run` f32 is no number of whole vectors. */
export const isRagged = (run: number): boolean => run % LANES !== 0;

/**
 * Scratch of convPoolBackwardInput: 8 bytes, lists for each place, places + 1 ends of 4 bytes and 16 bytes, and n numbers of dx
 * and 16 more where it is cropped or patch rows are ragged.
 */
export const inputListScratch = (places: number, OC: number, n: number, run: number, crop: boolean): number =>
  8 + places * (listBytes(OC) + 4) + 24 + (crop || isRagged(run) ? 4 * (n + 16) : 0);

/** Rows and columns of an image. */
export const DIGIT_SIDE = 28;

export const DIGIT_PIXELS = 784;

/** Words drawn for an image: four blocks of four. */
export const AUGMENT_WORDS = 16;

/** Scratch of every kernel here but mixPlan: an image's words. */
export const AUGMENT_SCRATCH = 64;

/** Cells outside of the image: a constant; the image mirrored at its edges; begun anew; the nearest cell. */
export const FILL_CONSTANT = 0;

export const FILL_REFLECT = 1;

export const FILL_WRAP = 2;

export const FILL_NEAREST = 3;

/** What image n is mixed with and how: f32 or i32, MIX_BYTES for each image. */
export const MIX_BYTES = 32;

/** x + y */
export const SUM = 0;

/** x - y */
export const DIFFERENCE = 1;

/** x y; fainter than FAINT is stored as 0 */
export const PRODUCT = 2;

export const GREATER = 3;

export const LESS = 4;

/** x > 0 ? x : y x; fainter than FAINT is stored as 0 */
export const SLOPED = 5;

/** Channels that are taken at once: a cache line of each cell. */
export const PLANE_CHANNELS = 16;

/** Bytes of a band, about, where an image has more rows: some of an L2 cache. */
export const BAND_BYTES = 49152;

/** Whether these kernels do a convolution. */
export const inPlanes = (
  KW: number,
  strideW: number,
  dilation: number,
  multiplier: number,
  left: number,
): boolean => dilation === 1 && multiplier === 1 && strideW <= 2 && left >= 0 && (KW === 3 || KW === 5);

/** Outputs that are computed at once: as many as registers hold, with a row of the filter and the cells; 3 where that leaves none over. */
export const manyInPlanes = (OW: number, KW: number, strideW: number): number =>
  KW === 5 ? (strideW === 1 ? 3 : 2) : strideW === 2 || OW === 3 || OW === 6 ? 3 : 4;

/** Cells in a row of a plane: what the outputs read, those that are computed beside the last, too. */
export const planeWidth = (OW: number, KW: number, strideW: number): number =>
  (wholeOutputs(OW, manyInPlanes(OW, KW, strideW)) - 1) * strideW + KW;

export const wholeOutputs = (OW: number, many: number): number => Math.ceil(OW / many) * many;

/** Output rows of a band of planes so wide. */
export const bandOutputs = (width: number, KH: number, strideH: number): number =>
  Math.floor(Math.max(0, Math.floor(BAND_BYTES / (4 * PLANE_CHANNELS * width)) - KH) / strideH) + 1;

/** Rows in a band, of a task of so many output rows. */
export const bandRows = (width: number, KH: number, strideH: number, rows: number): number =>
  (Math.min(bandOutputs(width, KH, strideH), rows) - 1) * strideH + KH;

/** Scratch of depthwiseForward, where inPlanes(): a band, and the filters of its channels; `rows`: output rows in a task. */
export const planesScratch = (
  OW: number,
  KH: number,
  KW: number,
  strideH: number,
  strideW: number,
  rows: number,
): number => 4 * PLANE_CHANNELS * (bandCells(planeWidth(OW, KW, strideW), KH, strideH, rows) + KH * KW);

export const bandCells = (width: number, KH: number, strideH: number, rows: number): number =>
  bandRows(width, KH, strideH, rows) * width;

/** Channels in one task of backwardFilter: a cache line of them. */
export const DEPTHWISE_CHANNELS = 16;

/** What a constraint does: no number below 0; the norm of each column within low .. high, towards it by `rate`. */
export const CONSTRAIN_NOT_NEGATIVE = 0;

export const CONSTRAIN_NORM = 1;

/** a x + b */
export const LINEAR = 0;

/** x > c ? min(x, b) : a (x - c) */
export const BOUNDED_RELU = 1;

/** x / (1 + e^-x) */
export const SILU = 2;

/** x Phi(x), Phi the normal distribution: (1 + erf(x / sqrt 2)) / 2 */
export const GELU = 3;

/** x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
export const GELU_APPROXIMATE = 4;

/** log(1 + e^x) */
export const SOFTPLUS = 5;

/** x / (1 + |x|) */
export const SOFTSIGN = 6;

/** a x for x > 0, b (e^x - 1) below */
export const SELU = 7;

/** min(max(x + 3, 0), 6) / 6 */
export const HARD_SIGMOID = 8;

/** x times that */
export const HARD_SILU = 9;

/** e^x */
export const EXPONENTIAL = 10;

/** x tanh(log(1 + e^x)) */
export const MISH = 11;

/** Depth of one block: a packed panel of B (KC x 16 f32, 16 KiB) stays in the L1 cache. */
export const KC = 256;

/** Bytes of packed panels of B as wide as cols, a multiple of PANEL; rows of A take those of rows + 1 columns. */
export const packedBytes = (cols: number): number => 4 * KC * cols;

/** Scratch of gemm: the panels of B, and behind them, if transA, a block of A. */
export const gemmScratch = (rows: number, cols: number, transA: boolean): number =>
  packedBytes(wholePanels(cols)) + (transA ? packedBytes(rows + 1) : 0);

/** Aligned to 8 bytes. The host writes learningRate when it changes, beta1 and beta2 once; zero `step` to begin anew. */
export const OPTIMIZER_STATE = {
  learningRate: 0,
  beta1: 8,
  beta2: 16,
  step: 24,
  rate: 28,
  alpha: 32,
  bytes: 40,
} as const;

/** Shared by all threads of an engine; each word that threads write in turn has a cache line of its own. */
export const CONTROL = {
  gate: 0,
  program: 4,
  counters: 8,
  first: 12,
  last: 16,
  scratch: 20,
  scratchBytes: 24,
  stop: 28,
  inside: 64,
  waiting: 68,
  failed: 72,
  ready: 76,
  bytes: 80,
} as const;

/** Of one call. */
export const COUNTER = {
  claimed: 0,
  done: 4,
  bytes: 8,
} as const;

export const FEW_CHAINS = 8;

export const SOME_CHAINS = 10;

export const MANY_CHAINS = 12;

/** Scratch of peak: a pair of vectors. */
export const PEAK_SCRATCH = 32;

/** Outputs that pointwiseBackwardFilter takes at once, and channels of x: 16 KiB, half of an L1 cache. */
export const POINTWISE_PIXELS = 64;

export const POINTWISE_CHANNELS = 64;

/** Scratch of pointwiseBackwardFilter: panels of dy, and a block of x. */
export const pointwiseScratch = (cols: number): number =>
  4 * POINTWISE_PIXELS * (wholePanels(cols) + POINTWISE_CHANNELS);

/** One kernel call of a program. */
export const CALL = {
  kernel: 0,
  args: 4,
  tasks: 8,
  bytes: 16,
} as const;

/** Elements drawn at once: two groups, so that one's latencies hide behind the other's work. */
export const DRAWS = 32;

/** Scratch of every kernel here: their words. */
export const DRAW_SCRATCH = 128;

/** ... and its own standard deviation is then so much of the whole one's. */
export const TRUNCATED_STDDEV = 0.8796256610342398;

/** f32 of a vector. */
export const LANES = 4;

/** Columns of one panel of B. */
export const PANEL = 16;

/** Bytes of one row of a panel. */
export const PANEL_ROW = 64;

/** Every tensor starts on a multiple of so many bytes, a cache line, and may be read so far beyond its end: panels reach there. */
export const ALIGNMENT = 64;

/** Panels that n columns take. */
export const panelsOf = (n: number): number => Math.ceil(n / PANEL);

/** n columns, rounded up to whole panels. */
export const wholePanels = (n: number): number => Math.ceil(n / PANEL) * PANEL;

/** Bytes of so many panels [K, PANEL]. */
export const panelsBytes = (panels: number, K: number): number => panels * K * PANEL_ROW;

/** Scratch of winogradTaps: 3 t vectors. */
export const tapScratch = (m: number): number => 48 * (m + 2);

/** Patch flags from one row to the next: what rows are written in sixes may end beyond the last column. */
export const flagPitch = (m: number, columns: number): number => columns * m + 6;

/** Bytes of the flags of one image's block. */
export const flagBytes = (m: number, rows: number, columns: number): number =>
  (rows * m + 2) * flagPitch(m, columns);

/** Bytes of the map of rows x columns tiles of each of `images` images: an entry for each tile, then each image's flags. */
export const mapBytes = (m: number, images: number, rows: number, columns: number): number =>
  Math.ceil((4 * images * rows * columns + images * flagBytes(m, rows, columns) + 8) / 64) * 64;

/** Products of a tile and a filter, for each pair of channels: as many planes. */
export const pointsOf = (m: number): number => (m + 2) * (m + 2);

/** Bytes from one of the t * t planes of n pixels with C channels to the next. */
export const planeBytes = (n: number, C: number): number => 4 * n * C + 64;

/** Bytes of scratch that the transforms of tiles with C channels need: two tiles of vectors, one whole tile. */
export const tileScratch = (m: number, C: number): number => pointsOf(m) * (32 + 4 * C);

/** Bytes of one transformed panel of 16 filters of C channels. */
export const panelBytes = (m: number, C: number): number => pointsOf(m) * planeBytes(C, PANEL);

/** Scratch of winogradFilter: nine taps, and 3 t of their sums, of a panel of filters. */
export const filterScratch = (m: number): number => PANEL_ROW * (9 + 3 * (m + 2));

/** Bytes of transformed tiles and of their products with a panel of filters: n tiles of C channels. */
export const productBytes = (m: number, n: number, C: number): number =>
  pointsOf(m) * (planeBytes(n, C) + planeBytes(n, PANEL));

/** Scratch of a block of rows x columns tiles of each of `images` images: their map, tiles and products, and tileScratch. */
export const blockScratch = (m: number, images: number, rows: number, columns: number, C: number): number =>
  mapBytes(m, images, rows, columns) + productBytes(m, images * rows * columns, C) + tileScratch(m, C);

interface ActivationForwardArgs {
  readonly y: number;
  readonly x: number;
  readonly n: number;
  readonly kind: number;
  readonly alpha: number;
  readonly grain: number;
}

interface ActivationBackwardArgs {
  readonly dx: number;
  readonly dy: number;
  readonly y: number;
  readonly n: number;
  readonly kind: number;
  readonly alpha: number;
  readonly grain: number;
}

interface Pool2dArgs {
  readonly y: number;
  readonly x: number;
  readonly argmax: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly KH: number;
  readonly KW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly top: number;
  readonly left: number;
  readonly grain: number;
}

interface BatchNormSumsArgs {
  readonly partials: number;
  readonly dy: number;
  readonly y: number;
  readonly x: number;
  readonly constants: number;
  readonly rows: number;
  readonly C: number;
  readonly grain: number;
}

interface BatchNormGradientsArgs {
  readonly coefficients: number;
  readonly dgamma: number;
  readonly dbeta: number;
  readonly partials: number;
  readonly constants: number;
  readonly rows: number;
  readonly C: number;
  readonly grain: number;
}

interface BatchNormBackwardArgs {
  readonly dx: number;
  readonly dresidual: number;
  readonly dy: number;
  readonly y: number;
  readonly x: number;
  readonly constants: number;
  readonly coefficients: number;
  readonly rows: number;
  readonly C: number;
  readonly grain: number;
}

interface BatchNormStatisticsArgs {
  readonly partials: number;
  readonly x: number;
  readonly rows: number;
  readonly C: number;
  readonly grain: number;
}

interface BatchNormConstantsArgs {
  readonly constants: number;
  readonly partials: number;
  readonly gamma: number;
  readonly beta: number;
  readonly movingMean: number;
  readonly movingVariance: number;
  readonly rows: number;
  readonly C: number;
  readonly grain: number;
  readonly epsilon: number;
  readonly oneMinusMomentum: number;
}

interface BatchNormInferenceArgs {
  readonly constants: number;
  readonly gamma: number;
  readonly beta: number;
  readonly movingMean: number;
  readonly movingVariance: number;
  readonly C: number;
  readonly epsilon: number;
}

interface BatchNormForwardArgs {
  readonly y: number;
  readonly x: number;
  readonly residual: number;
  readonly constants: number;
  readonly rows: number;
  readonly C: number;
  readonly relu: number;
  readonly grain: number;
}

interface FoldNormArgs {
  readonly w: number;
  readonly bias: number;
  readonly filter: number;
  readonly filterBias: number;
  readonly constants: number;
  readonly K: number;
  readonly OC: number;
  readonly grain: number;
}

interface BroadcastArgs {
  readonly z: number;
  readonly x: number;
  readonly y: number;
  readonly batch: number;
  readonly inner: number;
  readonly C: number;
  readonly relu: number;
  readonly grain: number;
}

interface SumBroadcastArgs {
  readonly out: number;
  readonly x: number;
  readonly y: number;
  readonly batch: number;
  readonly inner: number;
  readonly C: number;
  readonly grain: number;
}

interface ClipByValueArgs {
  readonly g: number;
  readonly n: number;
  readonly limit: number;
  readonly grain: number;
}

interface SumSquaresArgs {
  readonly partials: number;
  readonly g: number;
  readonly n: number;
  readonly grain: number;
}

interface ClipByNormArgs {
  readonly g: number;
  readonly partials: number;
  readonly count: number;
  readonly n: number;
  readonly maxNorm: number;
  readonly grain: number;
}

interface PackArgs {
  readonly out: number;
  readonly w: number;
  readonly K: number;
  readonly OC: number;
  readonly C: number;
}

interface Conv2dArgs {
  readonly y: number;
  readonly x: number;
  readonly w: number;
  readonly bias: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly OC: number;
  readonly KH: number;
  readonly KW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly relu: number;
  readonly top: number;
  readonly left: number;
  readonly cropH: number;
  readonly cropW: number;
  readonly rows: number;
  readonly cols: number;
}

interface PadArgs {
  readonly out: number;
  readonly x: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

interface ConvPoolArgs {
  readonly y: number;
  readonly argmax: number;
  readonly x: number;
  readonly w: number;
  readonly bias: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly OC: number;
  readonly KH: number;
  readonly KW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly relu: number;
  readonly PH: number;
  readonly PW: number;
  readonly poolH: number;
  readonly poolW: number;
  readonly poolStrideH: number;
  readonly poolStrideW: number;
  readonly poolTop: number;
  readonly poolLeft: number;
  readonly block: number;
  readonly m: number;
  readonly images: number;
  readonly group: number;
  readonly top: number;
  readonly left: number;
  readonly cropH: number;
  readonly cropW: number;
  readonly filter: number;
}

interface CopyColumnsArgs {
  readonly out: number;
  readonly x: number;
  readonly rows: number;
  readonly cols: number;
  readonly outCols: number;
  readonly at: number;
  readonly xCols: number;
  readonly from: number;
  readonly grain: number;
}

interface FillArgs {
  readonly out: number;
  readonly n: number;
  readonly value: number;
  readonly grain: number;
}

interface AddArgs {
  readonly y: number;
  readonly x: number;
  readonly n: number;
  readonly grain: number;
}

interface PairArgs {
  readonly z: number;
  readonly x: number;
  readonly y: number;
  readonly n: number;
  readonly relu: number;
  readonly grain: number;
}

interface GemmArgs {
  readonly c: number;
  readonly a: number;
  readonly b: number;
  readonly bias: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transA: number;
  readonly transB: number;
  readonly beta: number;
  readonly relu: number;
  readonly rows: number;
  readonly cols: number;
  readonly cNext: number;
  readonly aNext: number;
  readonly bNext: number;
}

interface LogitsLossArgs {
  readonly losses: number;
  readonly dx: number;
  readonly y: number;
  readonly x: number;
  readonly t: number;
  readonly rows: number;
  readonly cols: number;
  readonly scale: number;
  readonly grain: number;
}

interface LossArgs {
  readonly losses: number;
  readonly dy: number;
  readonly y: number;
  readonly t: number;
  readonly rows: number;
  readonly cols: number;
  readonly scale: number;
  readonly grain: number;
}

interface MeanLossArgs {
  readonly out: number;
  readonly losses: number;
  readonly rows: number;
}

interface CountCorrectArgs {
  readonly out: number;
  readonly y: number;
  readonly t: number;
  readonly rows: number;
  readonly cols: number;
}

interface AdvanceStepArgs {
  readonly state: number;
}

interface SgdArgs {
  readonly w: number;
  readonly g: number;
  readonly m: number;
  readonly state: number;
  readonly n: number;
  readonly momentum: number;
  readonly nesterov: number;
  readonly weightDecay: number;
  readonly grain: number;
}

interface RmspropArgs {
  readonly w: number;
  readonly g: number;
  readonly v: number;
  readonly a: number;
  readonly m: number;
  readonly state: number;
  readonly n: number;
  readonly rho: number;
  readonly oneMinusRho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly grain: number;
}

interface AdamArgs {
  readonly w: number;
  readonly g: number;
  readonly m: number;
  readonly v: number;
  readonly state: number;
  readonly n: number;
  readonly oneMinusBeta1: number;
  readonly oneMinusBeta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly grain: number;
}

interface PeakArgs {
  readonly n: number;
  readonly chains: number;
  readonly x: number;
  readonly y: number;
}

interface PixelsToFloatArgs {
  readonly out: number;
  readonly pixels: number;
  readonly n: number;
  readonly scale: number;
  readonly offset: number;
  readonly grain: number;
}

interface OneHotArgs {
  readonly t: number;
  readonly labels: number;
  readonly rows: number;
  readonly cols: number;
}

interface RandomBitsArgs {
  readonly out: number;
  readonly n: number;
  readonly key0: number;
  readonly key1: number;
  readonly block: number;
  readonly step: number;
  readonly stream: number;
  readonly attempt: number;
  readonly grain: number;
}

interface RandomUniformArgs {
  readonly out: number;
  readonly n: number;
  readonly key0: number;
  readonly key1: number;
  readonly step: number;
  readonly stream: number;
  readonly low: number;
  readonly high: number;
  readonly grain: number;
}

interface RandomNormalArgs {
  readonly out: number;
  readonly n: number;
  readonly key0: number;
  readonly key1: number;
  readonly step: number;
  readonly stream: number;
  readonly mean: number;
  readonly stddev: number;
  readonly truncated: number;
  readonly grain: number;
}

interface DropoutArgs {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly n: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly rate: number;
  readonly grain: number;
}

interface ColumnSumArgs {
  readonly out: number;
  readonly x: number;
  readonly M: number;
  readonly N: number;
}

interface GlobalPoolArgs {
  readonly y: number;
  readonly x: number;
  readonly batch: number;
  readonly positions: number;
  readonly C: number;
  readonly grain: number;
}

interface SoftmaxForwardArgs {
  readonly y: number;
  readonly x: number;
  readonly rows: number;
  readonly cols: number;
  readonly grain: number;
}

interface SoftmaxBackwardArgs {
  readonly dx: number;
  readonly dy: number;
  readonly y: number;
  readonly rows: number;
  readonly cols: number;
  readonly grain: number;
}

interface WinogradTilesArgs {
  readonly v: number;
  readonly x: number;
  readonly first: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
  readonly m: number;
  readonly gradient: number;
}

interface WinogradTapsArgs {
  readonly dw: number;
  readonly du: number;
  readonly x: number;
  readonly dy: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly OC: number;
  readonly top: number;
  readonly left: number;
  readonly m: number;
}

interface WinogradFilterArgs {
  readonly u: number;
  readonly w: number;
  readonly C: number;
  readonly OC: number;
  readonly rotate: number;
  readonly m: number;
}

interface WinogradArgs {
  readonly y: number;
  readonly x: number;
  readonly u: number;
  readonly bias: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly OC: number;
  readonly top: number;
  readonly left: number;
  readonly relu: number;
  readonly m: number;
  readonly images: number;
  readonly block: number;
}

interface AffineArgs {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly flipRows: number;
  readonly flipColumns: number;
  readonly angle0: number;
  readonly angle1: number;
  readonly zoomH0: number;
  readonly zoomH1: number;
  readonly zoomW0: number;
  readonly zoomW1: number;
  readonly together: number;
  readonly shiftH0: number;
  readonly shiftH1: number;
  readonly shiftW0: number;
  readonly shiftW1: number;
  readonly fill: number;
  readonly bilinear: number;
  readonly value: number;
}

interface CropArgs {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly random: number;
}

interface ColorArgs {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly positions: number;
  readonly C: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly contrast0: number;
  readonly contrast1: number;
  readonly brightness0: number;
  readonly brightness1: number;
  readonly low: number;
  readonly high: number;
}

interface EraseArgs {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly chance0: number;
  readonly chance1: number;
  readonly scale0: number;
  readonly scale1: number;
  readonly value: number;
  readonly noise: number;
  readonly low: number;
  readonly high: number;
}

interface MixPlanArgs {
  readonly plan: number;
  readonly step: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly alpha0: number;
  readonly alpha1: number;
  readonly cut: number;
}

interface MixArgs {
  readonly y: number;
  readonly x: number;
  readonly plan: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly cut: number;
}

interface MixTargetsArgs {
  readonly y: number;
  readonly x: number;
  readonly plan: number;
  readonly rows: number;
  readonly cols: number;
}

interface BinaryForwardArgs {
  readonly z: number;
  readonly x: number;
  readonly y: number;
  readonly op: number;
  readonly n0: number;
  readonly n1: number;
  readonly n2: number;
  readonly n3: number;
  readonly n4: number;
  readonly x0: number;
  readonly x1: number;
  readonly x2: number;
  readonly x3: number;
  readonly x4: number;
  readonly y0: number;
  readonly y1: number;
  readonly y2: number;
  readonly y3: number;
  readonly y4: number;
  readonly grain: number;
}

interface BinaryBackwardArgs {
  readonly out: number;
  readonly dz: number;
  readonly x: number;
  readonly y: number;
  readonly op: number;
  readonly second: number;
  readonly n0: number;
  readonly n1: number;
  readonly n2: number;
  readonly n3: number;
  readonly n4: number;
  readonly x0: number;
  readonly x1: number;
  readonly x2: number;
  readonly x3: number;
  readonly x4: number;
  readonly y0: number;
  readonly y1: number;
  readonly y2: number;
  readonly y3: number;
  readonly y4: number;
  readonly o1: number;
  readonly o2: number;
  readonly o3: number;
  readonly o4: number;
  readonly size: number;
  readonly grain: number;
}

interface DepthwiseArgs {
  readonly y: number;
  readonly x: number;
  readonly w: number;
  readonly bias: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly KH: number;
  readonly KW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly top: number;
  readonly left: number;
  readonly multiplier: number;
  readonly relu: number;
  readonly grain: number;
  readonly channels: number;
}

interface ReverseTapsArgs {
  readonly out: number;
  readonly w: number;
  readonly taps: number;
  readonly C: number;
}

interface LogitsFocalArgs {
  readonly losses: number;
  readonly dx: number;
  readonly y: number;
  readonly x: number;
  readonly t: number;
  readonly rows: number;
  readonly cols: number;
  readonly scale: number;
  readonly grain: number;
  readonly gamma: number;
  readonly alpha: number;
  readonly applyClassBalancing: number;
}

interface FocalArgs {
  readonly losses: number;
  readonly dy: number;
  readonly y: number;
  readonly t: number;
  readonly rows: number;
  readonly cols: number;
  readonly scale: number;
  readonly grain: number;
  readonly gamma: number;
  readonly alpha: number;
  readonly applyClassBalancing: number;
}

interface GaussianArgs {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly n: number;
  readonly key0: number;
  readonly key1: number;
  readonly stream: number;
  readonly stddev: number;
  readonly scales: number;
  readonly grain: number;
}

interface HuberArgs {
  readonly losses: number;
  readonly dy: number;
  readonly y: number;
  readonly t: number;
  readonly rows: number;
  readonly cols: number;
  readonly scale: number;
  readonly grain: number;
  readonly delta: number;
}

interface SmoothTargetsArgs {
  readonly out: number;
  readonly t: number;
  readonly n: number;
  readonly keep: number;
  readonly add: number;
  readonly grain: number;
}

interface HingeTargetsArgs {
  readonly out: number;
  readonly t: number;
  readonly n: number;
}

interface GroupNormArgs {
  readonly y: number;
  readonly x: number;
  readonly dx: number;
  readonly gamma: number;
  readonly beta: number;
  readonly statistics: number;
  readonly dgamma: number;
  readonly N: number;
  readonly P: number;
  readonly C: number;
  readonly G: number;
  readonly epsilon: number;
  readonly grain: number;
}

interface FurtherOptimizerArgs {
  readonly w: number;
  readonly g: number;
  readonly m: number;
  readonly v: number;
  readonly state: number;
  readonly rates: number;
  readonly n: number;
  readonly a: number;
  readonly oneMinusA: number;
  readonly b: number;
  readonly oneMinusB: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly grain: number;
}

interface NadamRatesArgs {
  readonly out: number;
  readonly state: number;
}

interface MovingAverageArgs {
  readonly average: number;
  readonly w: number;
  readonly state: number;
  readonly n: number;
  readonly begun: number;
  readonly momentum: number;
  readonly oneMinusMomentum: number;
  readonly grain: number;
}

interface AccumulateArgs {
  readonly sum: number;
  readonly g: number;
  readonly n: number;
  readonly last: number;
  readonly share: number;
  readonly grain: number;
}

interface PermuteArgs {
  readonly y: number;
  readonly x: number;
  readonly n0: number;
  readonly n1: number;
  readonly n2: number;
  readonly n3: number;
  readonly n4: number;
  readonly n5: number;
  readonly s0: number;
  readonly s1: number;
  readonly s2: number;
  readonly s3: number;
  readonly s4: number;
  readonly s5: number;
  readonly grain: number;
}

interface PenaltyArgs {
  readonly partials: number;
  readonly w: number;
  readonly dx: number;
  readonly dy: number;
  readonly n: number;
  readonly l1: number;
  readonly l2: number;
  readonly scale: number;
  readonly grain: number;
}

interface ConstrainArgs {
  readonly w: number;
  readonly rows: number;
  readonly cols: number;
  readonly kind: number;
  readonly low: number;
  readonly high: number;
  readonly rate: number;
  readonly grain: number;
}

interface ResampleArgs {
  readonly y: number;
  readonly x: number;
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly OH: number;
  readonly OW: number;
  readonly top: number;
  readonly left: number;
  readonly repH: number;
  readonly repW: number;
  readonly grain: number;
}

interface UnaryForwardArgs {
  readonly y: number;
  readonly x: number;
  readonly n: number;
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly grain: number;
}

interface UnaryBackwardArgs {
  readonly dx: number;
  readonly dy: number;
  readonly x: number;
  readonly n: number;
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly grain: number;
}

/** Every kernel, and the argument struct that it reads. */
export interface KernelStructs {
  activationForward: ActivationForwardArgs;
  activationBackward: ActivationBackwardArgs;
  averagePool2dForward: Pool2dArgs;
  averagePool2dBackward: Pool2dArgs;
  batchNormSums: BatchNormSumsArgs;
  batchNormGradients: BatchNormGradientsArgs;
  batchNormBackward: BatchNormBackwardArgs;
  batchNormStatistics: BatchNormStatisticsArgs;
  batchNormConstants: BatchNormConstantsArgs;
  batchNormInference: BatchNormInferenceArgs;
  batchNormForward: BatchNormForwardArgs;
  foldNorm: FoldNormArgs;
  addBroadcast: BroadcastArgs;
  multiplyBroadcast: BroadcastArgs;
  sumBroadcast: SumBroadcastArgs;
  clipByValue: ClipByValueArgs;
  sumSquares: SumSquaresArgs;
  clipByNorm: ClipByNormArgs;
  packFilter: PackArgs;
  packFilterTransposed: PackArgs;
  conv2dForward: Conv2dArgs;
  conv2dBackwardFilter: Conv2dArgs;
  conv2dBackwardInput: Conv2dArgs;
  pad2d: PadArgs;
  convPoolBackwardFilter: ConvPoolArgs;
  packFilterRows: ConvPoolArgs;
  convPoolBackwardInput: ConvPoolArgs;
  convPoolForward: ConvPoolArgs;
  copyColumns: CopyColumnsArgs;
  fill: FillArgs;
  addInto: AddArgs;
  addForward: PairArgs;
  multiplyForward: PairArgs;
  gemm: GemmArgs;
  softmaxCrossentropy: LogitsLossArgs;
  sigmoidCrossentropy: LogitsLossArgs;
  categoricalCrossentropy: LossArgs;
  binaryCrossentropy: LossArgs;
  meanSquaredError: LossArgs;
  meanAbsoluteError: LossArgs;
  meanLoss: MeanLossArgs;
  countCorrect: CountCorrectArgs;
  advanceStep: AdvanceStepArgs;
  sgd: SgdArgs;
  rmsprop: RmspropArgs;
  adam: AdamArgs;
  peak: PeakArgs;
  pixelsToFloat: PixelsToFloatArgs;
  oneHot: OneHotArgs;
  maxPool2dForward: Pool2dArgs;
  maxPool2dBackward: Pool2dArgs;
  randomBits: RandomBitsArgs;
  randomUniform: RandomUniformArgs;
  randomNormal: RandomNormalArgs;
  dropoutForward: DropoutArgs;
  dropoutBackward: DropoutArgs;
  columnSum: ColumnSumArgs;
  globalAveragePool2dForward: GlobalPoolArgs;
  globalAveragePool2dBackward: GlobalPoolArgs;
  softmaxForward: SoftmaxForwardArgs;
  softmaxBackward: SoftmaxBackwardArgs;
  winogradTiles: WinogradTilesArgs;
  winogradTaps: WinogradTapsArgs;
  winogradFilter: WinogradFilterArgs;
  winogradForward: WinogradArgs;
  affineImages: AffineArgs;
  cropImages: CropArgs;
  colorImages: ColorArgs;
  eraseImages: EraseArgs;
  mixPlan: MixPlanArgs;
  mixImages: MixArgs;
  mixTargets: MixTargetsArgs;
  binaryForward: BinaryForwardArgs;
  binaryBackward: BinaryBackwardArgs;
  depthwiseForward: DepthwiseArgs;
  depthwiseBackwardInput: DepthwiseArgs;
  depthwiseBackwardFilter: DepthwiseArgs;
  reverseTaps: ReverseTapsArgs;
  sigmoidFocalCrossentropy: LogitsFocalArgs;
  softmaxFocalCrossentropy: LogitsFocalArgs;
  binaryFocalCrossentropy: FocalArgs;
  categoricalFocalCrossentropy: FocalArgs;
  gaussian: GaussianArgs;
  meanAbsolutePercentageError: LossArgs;
  meanSquaredLogarithmicError: LossArgs;
  huber: HuberArgs;
  logCosh: LossArgs;
  klDivergence: LossArgs;
  poisson: LossArgs;
  hinge: LossArgs;
  squaredHinge: LossArgs;
  categoricalHinge: LossArgs;
  cosineSimilarity: LossArgs;
  smoothTargets: SmoothTargetsArgs;
  hingeTargets: HingeTargetsArgs;
  groupNormForward: GroupNormArgs;
  groupNormBackward: GroupNormArgs;
  groupNormGamma: GroupNormArgs;
  adagradStep: FurtherOptimizerArgs;
  adadeltaStep: FurtherOptimizerArgs;
  adamaxStep: FurtherOptimizerArgs;
  lionStep: FurtherOptimizerArgs;
  nadamStep: FurtherOptimizerArgs;
  nadamRates: NadamRatesArgs;
  movingAverage: MovingAverageArgs;
  accumulate: AccumulateArgs;
  permute: PermuteArgs;
  penalty: PenaltyArgs;
  constrain: ConstrainArgs;
  resample2d: ResampleArgs;
  sumBlocks2d: ResampleArgs;
  bilinear2dForward: ResampleArgs;
  bilinear2dBackward: ResampleArgs;
  unaryForward: UnaryForwardArgs;
  unaryBackward: UnaryBackwardArgs;
}

/** Some pointers of some kernels. */
type Pointers = { readonly [K in keyof KernelStructs]?: readonly (keyof KernelStructs[K])[] };

/** What a kernel reads and writes in the same place. All else is either read or written. */
export const UPDATED: Pointers = {
  batchNormConstants: ["movingMean", "movingVariance"],
  clipByValue: ["g"],
  clipByNorm: ["g"],
  addInto: ["y"],
  sgd: ["w", "m"],
  rmsprop: ["w", "v", "a", "m"],
  adam: ["w", "m", "v"],
  adagradStep: ["w", "m", "v"],
  adadeltaStep: ["w", "m", "v"],
  adamaxStep: ["w", "m", "v"],
  lionStep: ["w", "m", "v"],
  nadamStep: ["w", "m", "v"],
  movingAverage: ["average"],
  accumulate: ["sum", "g"],
  constrain: ["w"],
};

/** Pointers to a few bytes, whatever the kernel's sizes. */
export const FEW_BYTES: Pointers = {
  advanceStep: ["state"],
  sgd: ["state"],
  rmsprop: ["state"],
  adam: ["state"],
  dropoutForward: ["step"],
  dropoutBackward: ["step"],
  affineImages: ["step"],
  cropImages: ["step"],
  colorImages: ["step"],
  eraseImages: ["step"],
  mixPlan: ["step"],
  gaussian: ["step"],
  adagradStep: ["state", "rates"],
  adadeltaStep: ["state", "rates"],
  adamaxStep: ["state", "rates"],
  lionStep: ["state", "rates"],
  nadamStep: ["state", "rates"],
  nadamRates: ["out", "state"],
  movingAverage: ["state"],
};

/**
 * A line for each struct: the kernels that read it, each behind its id in the dispatch switch, then its 4-byte fields in
 * this order: pointers with *, f32 with %, the others i32. One text, as pages load it: see kernel-table.ts.
 */
export const KERNEL_TABLE = `0activationForward: y* x* n kind alpha% grain
1activationBackward: dx* dy* y* n kind alpha% grain
2averagePool2dForward 3averagePool2dBackward 49maxPool2dForward 50maxPool2dBackward: y* x* argmax* batch H W C OH OW KH KW strideH strideW top left grain
4batchNormSums: partials* dy* y* x* constants* rows C grain
5batchNormGradients: coefficients* dgamma* dbeta* partials* constants* rows C grain
6batchNormBackward: dx* dresidual* dy* y* x* constants* coefficients* rows C grain
7batchNormStatistics: partials* x* rows C grain
8batchNormConstants: constants* partials* gamma* beta* movingMean* movingVariance* rows C grain epsilon% oneMinusMomentum%
9batchNormInference: constants* gamma* beta* movingMean* movingVariance* C epsilon%
10batchNormForward: y* x* residual* constants* rows C relu grain
11foldNorm: w* bias* filter* filterBias* constants* K OC grain
12addBroadcast 13multiplyBroadcast: z* x* y* batch inner C relu grain
14sumBroadcast: out* x* y* batch inner C grain
15clipByValue: g* n limit% grain
16sumSquares: partials* g* n grain
17clipByNorm: g* partials* count n maxNorm% grain
18packFilter 19packFilterTransposed: out* w* K OC C
20conv2dForward 21conv2dBackwardFilter 22conv2dBackwardInput: y* x* w* bias* batch H W C OH OW OC KH KW strideH strideW dilationH dilationW relu top left cropH cropW rows cols
23pad2d: out* x* H W C top bottom left right
24convPoolBackwardFilter 25packFilterRows 26convPoolBackwardInput 27convPoolForward: y* argmax* x* w* bias* batch H W C OH OW OC KH KW strideH strideW relu PH PW poolH poolW poolStrideH poolStrideW poolTop poolLeft block m images group top left cropH cropW filter*
28copyColumns: out* x* rows cols outCols at xCols from grain
29fill: out* n value% grain
30addInto: y* x* n grain
31addForward 32multiplyForward: z* x* y* n relu grain
33gemm: c* a* b* bias* M N K transA transB beta% relu rows cols cNext* aNext* bNext*
34softmaxCrossentropy 35sigmoidCrossentropy: losses* dx* y* x* t* rows cols scale% grain
36categoricalCrossentropy 37binaryCrossentropy 38meanSquaredError 39meanAbsoluteError 83meanAbsolutePercentageError 84meanSquaredLogarithmicError 86logCosh 87klDivergence 88poisson 89hinge 90squaredHinge 91categoricalHinge 92cosineSimilarity: losses* dy* y* t* rows cols scale% grain
40meanLoss: out* losses* rows
41countCorrect: out* y* t* rows cols
42advanceStep: state*
43sgd: w* g* m* state* n momentum% nesterov weightDecay% grain
44rmsprop: w* g* v* a* m* state* n rho% oneMinusRho% momentum% epsilon% weightDecay% grain
45adam: w* g* m* v* state* n oneMinusBeta1% oneMinusBeta2% epsilon% weightDecay% grain
46peak: n chains x% y%
47pixelsToFloat: out* pixels* n scale% offset% grain
48oneHot: t* labels* rows cols
51randomBits: out* n key0 key1 block step stream attempt grain
52randomUniform: out* n key0 key1 step stream low% high% grain
53randomNormal: out* n key0 key1 step stream mean% stddev% truncated grain
54dropoutForward 55dropoutBackward: y* x* step* n key0 key1 stream rate% grain
56columnSum: out* x* M N
57globalAveragePool2dForward 58globalAveragePool2dBackward: y* x* batch positions C grain
59softmaxForward: y* x* rows cols grain
60softmaxBackward: dx* dy* y* rows cols grain
61winogradTiles: v* x* first batch H W C top left rows columns m gradient
62winogradTaps: dw* du* x* dy* batch H W C OH OW OC top left m
63winogradFilter: u* w* C OC rotate m
64winogradForward: y* x* u* bias* batch H W C OH OW OC top left relu m images block
65affineImages: y* x* step* H W C key0 key1 stream flipRows flipColumns angle0% angle1% zoomH0% zoomH1% zoomW0% zoomW1% together shiftH0% shiftH1% shiftW0% shiftW1% fill bilinear value%
66cropImages: y* x* step* H W C OH OW key0 key1 stream random
67colorImages: y* x* step* positions C key0 key1 stream contrast0% contrast1% brightness0% brightness1% low% high%
68eraseImages: y* x* step* H W C key0 key1 stream chance0% chance1% scale0% scale1% value% noise low% high%
69mixPlan: plan* step* batch H W key0 key1 stream alpha0% alpha1% cut
70mixImages: y* x* plan* H W C cut
71mixTargets: y* x* plan* rows cols
72binaryForward: z* x* y* op n0 n1 n2 n3 n4 x0 x1 x2 x3 x4 y0 y1 y2 y3 y4 grain
73binaryBackward: out* dz* x* y* op second n0 n1 n2 n3 n4 x0 x1 x2 x3 x4 y0 y1 y2 y3 y4 o1 o2 o3 o4 size grain
74depthwiseForward 75depthwiseBackwardInput 76depthwiseBackwardFilter: y* x* w* bias* batch H W C OH OW KH KW strideH strideW dilationH dilationW top left multiplier relu grain channels
77reverseTaps: out* w* taps C
78sigmoidFocalCrossentropy 79softmaxFocalCrossentropy: losses* dx* y* x* t* rows cols scale% grain gamma% alpha% applyClassBalancing
80binaryFocalCrossentropy 81categoricalFocalCrossentropy: losses* dy* y* t* rows cols scale% grain gamma% alpha% applyClassBalancing
82gaussian: y* x* step* n key0 key1 stream stddev% scales grain
85huber: losses* dy* y* t* rows cols scale% grain delta%
93smoothTargets: out* t* n keep% add% grain
94hingeTargets: out* t* n
95groupNormForward 96groupNormBackward 97groupNormGamma: y* x* dx* gamma* beta* statistics* dgamma* N P C G epsilon% grain
98adagradStep 99adadeltaStep 100adamaxStep 101lionStep 102nadamStep: w* g* m* v* state* rates* n a% oneMinusA% b% oneMinusB% epsilon% weightDecay% grain
103nadamRates: out* state*
104movingAverage: average* w* state* n begun momentum% oneMinusMomentum% grain
105accumulate: sum* g* n last share% grain
106permute: y* x* n0 n1 n2 n3 n4 n5 s0 s1 s2 s3 s4 s5 grain
107penalty: partials* w* dx* dy* n l1% l2% scale% grain
108constrain: w* rows cols kind low% high% rate% grain
109resample2d 110sumBlocks2d 111bilinear2dForward 112bilinear2dBackward: y* x* batch H W C OH OW top left repH repW grain
113unaryForward: y* x* n kind a% b% c% grain
114unaryBackward: dx* dy* x* n kind a% b% c% grain`;
