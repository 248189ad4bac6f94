// Written by scripts/dispatch.mjs from the other files here: do not edit.
import { ActivationForwardArgs, ActivationBackwardArgs, activationForward, activationBackward } from "./activation";
import { averagePool2dForward, averagePool2dBackward } from "./averagepool2d";
import {
  BatchNormSumsArgs, BatchNormGradientsArgs, BatchNormBackwardArgs, batchNormSums, batchNormGradients,
  batchNormBackward,
} from "./batchnorm-backward";
import {
  BatchNormStatisticsArgs, BatchNormConstantsArgs, BatchNormInferenceArgs, BatchNormForwardArgs, FoldNormArgs,
  batchNormStatistics, batchNormConstants, batchNormInference, batchNormForward, foldNorm,
} from "./batchnorm";
import { BroadcastArgs, SumBroadcastArgs, addBroadcast, multiplyBroadcast, sumBroadcast } from "./broadcast";
import { ClipByValueArgs, SumSquaresArgs, ClipByNormArgs, clipByValue, sumSquares, clipByNorm } from "./clip";
import {
  Conv2dArgs, PackArgs, PadArgs, packFilter, packFilterTransposed, conv2dForward, conv2dBackwardFilter,
  conv2dBackwardInput, pad2d,
} from "./conv2d";
import { ConvPoolArgs } from "./convpool-args";
import { convPoolBackwardFilter, packFilterRows, convPoolBackwardInput } from "./convpool-backward";
import { convPoolForward } from "./convpool";
import { CopyColumnsArgs, copyColumns } from "./copy";
import { FillArgs, AddArgs, PairArgs, fill, addInto, addForward, multiplyForward } from "./elementwise";
import { GemmArgs, gemm } from "./gemm";
import {
  LogitsLossArgs, LossArgs, MeanLossArgs, softmaxCrossentropy, sigmoidCrossentropy, categoricalCrossentropy,
  binaryCrossentropy, meanSquaredError, meanAbsoluteError, meanLoss,
} from "./loss";
import { CountCorrectArgs, countCorrect } from "./metrics";
import { AdvanceStepArgs, SgdArgs, RmspropArgs, AdamArgs, advanceStep, sgd, rmsprop, adam } from "./optimizer";
import { PeakArgs, peak } from "./peak";
import { PixelsToFloatArgs, OneHotArgs, pixelsToFloat, oneHot } from "./pixels";
import { Pool2dArgs, maxPool2dForward, maxPool2dBackward } from "./pool2d";
import {
  RandomBitsArgs, RandomUniformArgs, RandomNormalArgs, DropoutArgs, randomBits, randomUniform, randomNormal,
  dropoutForward, dropoutBackward,
} from "./random";
import {
  ColumnSumArgs, GlobalPoolArgs, columnSum, globalAveragePool2dForward, globalAveragePool2dBackward,
} from "./reduce";
import { SoftmaxForwardArgs, SoftmaxBackwardArgs, softmaxForward, softmaxBackward } from "./softmax";
import { WinogradTilesArgs, WinogradTapsArgs, winogradTiles, winogradTaps } from "./winograd-gradient";
import { WinogradFilterArgs, WinogradArgs, winogradFilter, winogradForward } from "./winograd";
import {
  AffineArgs, CropArgs, ColorArgs, EraseArgs, MixPlanArgs, MixArgs, MixTargetsArgs, affineImages, cropImages,
  colorImages, eraseImages, mixPlan, mixImages, mixTargets,
} from "./further/augment";
import { BinaryForwardArgs, BinaryBackwardArgs, binaryForward, binaryBackward } from "./further/binary";
import {
  DepthwiseArgs, ReverseTapsArgs, depthwiseForward, depthwiseBackwardInput, depthwiseBackwardFilter, reverseTaps,
} from "./further/depthwise";
import {
  FocalArgs, LogitsFocalArgs, sigmoidFocalCrossentropy, softmaxFocalCrossentropy, binaryFocalCrossentropy,
  categoricalFocalCrossentropy,
} from "./further/focal";
import { GaussianArgs, gaussian } from "./further/gaussian";
import {
  HuberArgs, SmoothTargetsArgs, HingeTargetsArgs, meanAbsolutePercentageError, meanSquaredLogarithmicError, huber,
  logCosh, klDivergence, poisson, hinge, squaredHinge, categoricalHinge, cosineSimilarity, smoothTargets, hingeTargets,
} from "./further/loss";
import { GroupNormArgs, groupNormForward, groupNormBackward, groupNormGamma } from "./further/normalize";
import {
  FurtherOptimizerArgs, NadamRatesArgs, MovingAverageArgs, AccumulateArgs, adagradStep, adadeltaStep, adamaxStep,
  lionStep, nadamStep, nadamRates, movingAverage, accumulate,
} from "./further/optimizer";
import { PermuteArgs, permute } from "./further/permute";
import { PenaltyArgs, ConstrainArgs, penalty, constrain } from "./further/regularize";
import { ResampleArgs, resample2d, sumBlocks2d, bilinear2dForward, bilinear2dBackward } from "./further/resample";
import { UnaryForwardArgs, UnaryBackwardArgs, unaryForward, unaryBackward } from "./further/unary";

/** Runs one task of a kernel. A switch, because first-class functions stay indirect calls in AssemblyScript. */
export function dispatch(id: i32, args: usize, task: i32, scratch: usize): void {
  switch (id) {
    case 0: activationForward(changetype<ActivationForwardArgs>(args), task, scratch); break;
    case 1: activationBackward(changetype<ActivationBackwardArgs>(args), task, scratch); break;
    case 2: averagePool2dForward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 3: averagePool2dBackward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 4: batchNormSums(changetype<BatchNormSumsArgs>(args), task, scratch); break;
    case 5: batchNormGradients(changetype<BatchNormGradientsArgs>(args), task, scratch); break;
    case 6: batchNormBackward(changetype<BatchNormBackwardArgs>(args), task, scratch); break;
    case 7: batchNormStatistics(changetype<BatchNormStatisticsArgs>(args), task, scratch); break;
    case 8: batchNormConstants(changetype<BatchNormConstantsArgs>(args), task, scratch); break;
    case 9: batchNormInference(changetype<BatchNormInferenceArgs>(args), task, scratch); break;
    case 10: batchNormForward(changetype<BatchNormForwardArgs>(args), task, scratch); break;
    case 11: foldNorm(changetype<FoldNormArgs>(args), task, scratch); break;
    case 12: addBroadcast(changetype<BroadcastArgs>(args), task, scratch); break;
    case 13: multiplyBroadcast(changetype<BroadcastArgs>(args), task, scratch); break;
    case 14: sumBroadcast(changetype<SumBroadcastArgs>(args), task, scratch); break;
    case 15: clipByValue(changetype<ClipByValueArgs>(args), task, scratch); break;
    case 16: sumSquares(changetype<SumSquaresArgs>(args), task, scratch); break;
    case 17: clipByNorm(changetype<ClipByNormArgs>(args), task, scratch); break;
    case 18: packFilter(changetype<PackArgs>(args), task, scratch); break;
    case 19: packFilterTransposed(changetype<PackArgs>(args), task, scratch); break;
    case 20: conv2dForward(changetype<Conv2dArgs>(args), task, scratch); break;
    case 21: conv2dBackwardFilter(changetype<Conv2dArgs>(args), task, scratch); break;
    case 22: conv2dBackwardInput(changetype<Conv2dArgs>(args), task, scratch); break;
    case 23: pad2d(changetype<PadArgs>(args), task, scratch); break;
    case 24: convPoolBackwardFilter(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 25: packFilterRows(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 26: convPoolBackwardInput(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 27: convPoolForward(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 28: copyColumns(changetype<CopyColumnsArgs>(args), task, scratch); break;
    case 29: fill(changetype<FillArgs>(args), task, scratch); break;
    case 30: addInto(changetype<AddArgs>(args), task, scratch); break;
    case 31: addForward(changetype<PairArgs>(args), task, scratch); break;
    case 32: multiplyForward(changetype<PairArgs>(args), task, scratch); break;
    case 33: gemm(changetype<GemmArgs>(args), task, scratch); break;
    case 34: softmaxCrossentropy(changetype<LogitsLossArgs>(args), task, scratch); break;
    case 35: sigmoidCrossentropy(changetype<LogitsLossArgs>(args), task, scratch); break;
    case 36: categoricalCrossentropy(changetype<LossArgs>(args), task, scratch); break;
    case 37: binaryCrossentropy(changetype<LossArgs>(args), task, scratch); break;
    case 38: meanSquaredError(changetype<LossArgs>(args), task, scratch); break;
    case 39: meanAbsoluteError(changetype<LossArgs>(args), task, scratch); break;
    case 40: meanLoss(changetype<MeanLossArgs>(args), task, scratch); break;
    case 41: countCorrect(changetype<CountCorrectArgs>(args), task, scratch); break;
    case 42: advanceStep(changetype<AdvanceStepArgs>(args), task, scratch); break;
    case 43: sgd(changetype<SgdArgs>(args), task, scratch); break;
    case 44: rmsprop(changetype<RmspropArgs>(args), task, scratch); break;
    case 45: adam(changetype<AdamArgs>(args), task, scratch); break;
    case 46: peak(changetype<PeakArgs>(args), task, scratch); break;
    case 47: pixelsToFloat(changetype<PixelsToFloatArgs>(args), task, scratch); break;
    case 48: oneHot(changetype<OneHotArgs>(args), task, scratch); break;
    case 49: maxPool2dForward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 50: maxPool2dBackward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 51: randomBits(changetype<RandomBitsArgs>(args), task, scratch); break;
    case 52: randomUniform(changetype<RandomUniformArgs>(args), task, scratch); break;
    case 53: randomNormal(changetype<RandomNormalArgs>(args), task, scratch); break;
    case 54: dropoutForward(changetype<DropoutArgs>(args), task, scratch); break;
    case 55: dropoutBackward(changetype<DropoutArgs>(args), task, scratch); break;
    case 56: columnSum(changetype<ColumnSumArgs>(args), task, scratch); break;
    case 57: globalAveragePool2dForward(changetype<GlobalPoolArgs>(args), task, scratch); break;
    case 58: globalAveragePool2dBackward(changetype<GlobalPoolArgs>(args), task, scratch); break;
    case 59: softmaxForward(changetype<SoftmaxForwardArgs>(args), task, scratch); break;
    case 60: softmaxBackward(changetype<SoftmaxBackwardArgs>(args), task, scratch); break;
    case 61: winogradTiles(changetype<WinogradTilesArgs>(args), task, scratch); break;
    case 62: winogradTaps(changetype<WinogradTapsArgs>(args), task, scratch); break;
    case 63: winogradFilter(changetype<WinogradFilterArgs>(args), task, scratch); break;
    case 64: winogradForward(changetype<WinogradArgs>(args), task, scratch); break;
    default:
      // @ts-ignore: of the command that builds
      if (ALL_KERNELS) dispatchFurther(id, args, task, scratch);
      else unreachable();
  }
}

/** The kernels of further/, which the builds called -all have. */
function dispatchFurther(id: i32, args: usize, task: i32, scratch: usize): void {
  switch (id) {
    case 65: affineImages(changetype<AffineArgs>(args), task, scratch); break;
    case 66: cropImages(changetype<CropArgs>(args), task, scratch); break;
    case 67: colorImages(changetype<ColorArgs>(args), task, scratch); break;
    case 68: eraseImages(changetype<EraseArgs>(args), task, scratch); break;
    case 69: mixPlan(changetype<MixPlanArgs>(args), task, scratch); break;
    case 70: mixImages(changetype<MixArgs>(args), task, scratch); break;
    case 71: mixTargets(changetype<MixTargetsArgs>(args), task, scratch); break;
    case 72: binaryForward(changetype<BinaryForwardArgs>(args), task, scratch); break;
    case 73: binaryBackward(changetype<BinaryBackwardArgs>(args), task, scratch); break;
    case 74: depthwiseForward(changetype<DepthwiseArgs>(args), task, scratch); break;
    case 75: depthwiseBackwardInput(changetype<DepthwiseArgs>(args), task, scratch); break;
    case 76: depthwiseBackwardFilter(changetype<DepthwiseArgs>(args), task, scratch); break;
    case 77: reverseTaps(changetype<ReverseTapsArgs>(args), task, scratch); break;
    case 78: sigmoidFocalCrossentropy(changetype<LogitsFocalArgs>(args), task, scratch); break;
    case 79: softmaxFocalCrossentropy(changetype<LogitsFocalArgs>(args), task, scratch); break;
    case 80: binaryFocalCrossentropy(changetype<FocalArgs>(args), task, scratch); break;
    case 81: categoricalFocalCrossentropy(changetype<FocalArgs>(args), task, scratch); break;
    case 82: gaussian(changetype<GaussianArgs>(args), task, scratch); break;
    case 83: meanAbsolutePercentageError(changetype<LossArgs>(args), task, scratch); break;
    case 84: meanSquaredLogarithmicError(changetype<LossArgs>(args), task, scratch); break;
    case 85: huber(changetype<HuberArgs>(args), task, scratch); break;
    case 86: logCosh(changetype<LossArgs>(args), task, scratch); break;
    case 87: klDivergence(changetype<LossArgs>(args), task, scratch); break;
    case 88: poisson(changetype<LossArgs>(args), task, scratch); break;
    case 89: hinge(changetype<LossArgs>(args), task, scratch); break;
    case 90: squaredHinge(changetype<LossArgs>(args), task, scratch); break;
    case 91: categoricalHinge(changetype<LossArgs>(args), task, scratch); break;
    case 92: cosineSimilarity(changetype<LossArgs>(args), task, scratch); break;
    case 93: smoothTargets(changetype<SmoothTargetsArgs>(args), task, scratch); break;
    case 94: hingeTargets(changetype<HingeTargetsArgs>(args), task, scratch); break;
    case 95: groupNormForward(changetype<GroupNormArgs>(args), task, scratch); break;
    case 96: groupNormBackward(changetype<GroupNormArgs>(args), task, scratch); break;
    case 97: groupNormGamma(changetype<GroupNormArgs>(args), task, scratch); break;
    case 98: adagradStep(changetype<FurtherOptimizerArgs>(args), task, scratch); break;
    case 99: adadeltaStep(changetype<FurtherOptimizerArgs>(args), task, scratch); break;
    case 100: adamaxStep(changetype<FurtherOptimizerArgs>(args), task, scratch); break;
    case 101: lionStep(changetype<FurtherOptimizerArgs>(args), task, scratch); break;
    case 102: nadamStep(changetype<FurtherOptimizerArgs>(args), task, scratch); break;
    case 103: nadamRates(changetype<NadamRatesArgs>(args), task, scratch); break;
    case 104: movingAverage(changetype<MovingAverageArgs>(args), task, scratch); break;
    case 105: accumulate(changetype<AccumulateArgs>(args), task, scratch); break;
    case 106: permute(changetype<PermuteArgs>(args), task, scratch); break;
    case 107: penalty(changetype<PenaltyArgs>(args), task, scratch); break;
    case 108: constrain(changetype<ConstrainArgs>(args), task, scratch); break;
    case 109: resample2d(changetype<ResampleArgs>(args), task, scratch); break;
    case 110: sumBlocks2d(changetype<ResampleArgs>(args), task, scratch); break;
    case 111: bilinear2dForward(changetype<ResampleArgs>(args), task, scratch); break;
    case 112: bilinear2dBackward(changetype<ResampleArgs>(args), task, scratch); break;
    case 113: unaryForward(changetype<UnaryForwardArgs>(args), task, scratch); break;
    case 114: unaryBackward(changetype<UnaryBackwardArgs>(args), task, scratch); break;
    default: unreachable();
  }
}
