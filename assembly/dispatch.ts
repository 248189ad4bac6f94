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
import { Conv2dArgs } from "./conv2d-args";
import {
  PackArgs, PadArgs, packFilter, packFilterTransposed, conv2dForward, conv2dBackwardFilter, conv2dBackwardInput, pad2d,
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
import { DepthwiseArgs } from "./further/depthwise-args";
import {
  ReverseTapsArgs, depthwiseForward, depthwiseBackwardInput, depthwiseBackwardFilter, reverseTaps,
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
    // @ts-ignore: of the command that builds
    case 1: if (TRAINING) activationBackward(changetype<ActivationBackwardArgs>(args), task, scratch); else unreachable(); break;
    case 2: averagePool2dForward(changetype<Pool2dArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 3: if (TRAINING) averagePool2dBackward(changetype<Pool2dArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 4: if (TRAINING) batchNormSums(changetype<BatchNormSumsArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 5: if (TRAINING) batchNormGradients(changetype<BatchNormGradientsArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 6: if (TRAINING) batchNormBackward(changetype<BatchNormBackwardArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 7: if (TRAINING) batchNormStatistics(changetype<BatchNormStatisticsArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 8: if (TRAINING) batchNormConstants(changetype<BatchNormConstantsArgs>(args), task, scratch); else unreachable(); break;
    case 9: batchNormInference(changetype<BatchNormInferenceArgs>(args), task, scratch); break;
    case 10: batchNormForward(changetype<BatchNormForwardArgs>(args), task, scratch); break;
    case 11: foldNorm(changetype<FoldNormArgs>(args), task, scratch); break;
    case 12: addBroadcast(changetype<BroadcastArgs>(args), task, scratch); break;
    case 13: multiplyBroadcast(changetype<BroadcastArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 14: if (TRAINING) sumBroadcast(changetype<SumBroadcastArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 15: if (TRAINING) clipByValue(changetype<ClipByValueArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 16: if (TRAINING) sumSquares(changetype<SumSquaresArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 17: if (TRAINING) clipByNorm(changetype<ClipByNormArgs>(args), task, scratch); else unreachable(); break;
    case 18: packFilter(changetype<PackArgs>(args), task, scratch); break;
    case 19: packFilterTransposed(changetype<PackArgs>(args), task, scratch); break;
    case 20: conv2dForward(changetype<Conv2dArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 21: if (TRAINING) conv2dBackwardFilter(changetype<Conv2dArgs>(args), task, scratch); else unreachable(); break;
    case 22: conv2dBackwardInput(changetype<Conv2dArgs>(args), task, scratch); break;
    case 23: pad2d(changetype<PadArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 24: if (TRAINING) convPoolBackwardFilter(changetype<ConvPoolArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 25: if (TRAINING) packFilterRows(changetype<ConvPoolArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 26: if (TRAINING) convPoolBackwardInput(changetype<ConvPoolArgs>(args), task, scratch); else unreachable(); break;
    case 27: convPoolForward(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 28: copyColumns(changetype<CopyColumnsArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 29: if (TRAINING) fill(changetype<FillArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 30: if (TRAINING) addInto(changetype<AddArgs>(args), task, scratch); else unreachable(); break;
    case 31: addForward(changetype<PairArgs>(args), task, scratch); break;
    case 32: multiplyForward(changetype<PairArgs>(args), task, scratch); break;
    case 33: gemm(changetype<GemmArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 34: if (TRAINING) softmaxCrossentropy(changetype<LogitsLossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 35: if (TRAINING) sigmoidCrossentropy(changetype<LogitsLossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 36: if (TRAINING) categoricalCrossentropy(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 37: if (TRAINING) binaryCrossentropy(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 38: if (TRAINING) meanSquaredError(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 39: if (TRAINING) meanAbsoluteError(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 40: if (TRAINING) meanLoss(changetype<MeanLossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 41: if (TRAINING) countCorrect(changetype<CountCorrectArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 42: if (TRAINING) advanceStep(changetype<AdvanceStepArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 43: if (TRAINING) sgd(changetype<SgdArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 44: if (TRAINING) rmsprop(changetype<RmspropArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 45: if (TRAINING) adam(changetype<AdamArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 46: if (TRAINING) peak(changetype<PeakArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 47: if (TRAINING) pixelsToFloat(changetype<PixelsToFloatArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 48: if (TRAINING) oneHot(changetype<OneHotArgs>(args), task, scratch); else unreachable(); break;
    case 49: maxPool2dForward(changetype<Pool2dArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 50: if (TRAINING) maxPool2dBackward(changetype<Pool2dArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 51: if (TRAINING) randomBits(changetype<RandomBitsArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 52: if (TRAINING) randomUniform(changetype<RandomUniformArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 53: if (TRAINING) randomNormal(changetype<RandomNormalArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 54: if (TRAINING) dropoutForward(changetype<DropoutArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 55: if (TRAINING) dropoutBackward(changetype<DropoutArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 56: if (TRAINING) columnSum(changetype<ColumnSumArgs>(args), task, scratch); else unreachable(); break;
    case 57: globalAveragePool2dForward(changetype<GlobalPoolArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 58: if (TRAINING) globalAveragePool2dBackward(changetype<GlobalPoolArgs>(args), task, scratch); else unreachable(); break;
    case 59: softmaxForward(changetype<SoftmaxForwardArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 60: if (TRAINING) softmaxBackward(changetype<SoftmaxBackwardArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 61: if (TRAINING) winogradTiles(changetype<WinogradTilesArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 62: if (TRAINING) winogradTaps(changetype<WinogradTapsArgs>(args), task, scratch); else unreachable(); break;
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
    // @ts-ignore: of the command that builds
    case 65: if (TRAINING) affineImages(changetype<AffineArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 66: if (TRAINING) cropImages(changetype<CropArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 67: if (TRAINING) colorImages(changetype<ColorArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 68: if (TRAINING) eraseImages(changetype<EraseArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 69: if (TRAINING) mixPlan(changetype<MixPlanArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 70: if (TRAINING) mixImages(changetype<MixArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 71: if (TRAINING) mixTargets(changetype<MixTargetsArgs>(args), task, scratch); else unreachable(); break;
    case 72: binaryForward(changetype<BinaryForwardArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 73: if (TRAINING) binaryBackward(changetype<BinaryBackwardArgs>(args), task, scratch); else unreachable(); break;
    case 74: depthwiseForward(changetype<DepthwiseArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 75: if (TRAINING) depthwiseBackwardInput(changetype<DepthwiseArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 76: if (TRAINING) depthwiseBackwardFilter(changetype<DepthwiseArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 77: if (TRAINING) reverseTaps(changetype<ReverseTapsArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 78: if (TRAINING) sigmoidFocalCrossentropy(changetype<LogitsFocalArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 79: if (TRAINING) softmaxFocalCrossentropy(changetype<LogitsFocalArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 80: if (TRAINING) binaryFocalCrossentropy(changetype<FocalArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 81: if (TRAINING) categoricalFocalCrossentropy(changetype<FocalArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 82: if (TRAINING) gaussian(changetype<GaussianArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 83: if (TRAINING) meanAbsolutePercentageError(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 84: if (TRAINING) meanSquaredLogarithmicError(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 85: if (TRAINING) huber(changetype<HuberArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 86: if (TRAINING) logCosh(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 87: if (TRAINING) klDivergence(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 88: if (TRAINING) poisson(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 89: if (TRAINING) hinge(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 90: if (TRAINING) squaredHinge(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 91: if (TRAINING) categoricalHinge(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 92: if (TRAINING) cosineSimilarity(changetype<LossArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 93: if (TRAINING) smoothTargets(changetype<SmoothTargetsArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 94: if (TRAINING) hingeTargets(changetype<HingeTargetsArgs>(args), task, scratch); else unreachable(); break;
    case 95: groupNormForward(changetype<GroupNormArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 96: if (TRAINING) groupNormBackward(changetype<GroupNormArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 97: if (TRAINING) groupNormGamma(changetype<GroupNormArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 98: if (TRAINING) adagradStep(changetype<FurtherOptimizerArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 99: if (TRAINING) adadeltaStep(changetype<FurtherOptimizerArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 100: if (TRAINING) adamaxStep(changetype<FurtherOptimizerArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 101: if (TRAINING) lionStep(changetype<FurtherOptimizerArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 102: if (TRAINING) nadamStep(changetype<FurtherOptimizerArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 103: if (TRAINING) nadamRates(changetype<NadamRatesArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 104: if (TRAINING) movingAverage(changetype<MovingAverageArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 105: if (TRAINING) accumulate(changetype<AccumulateArgs>(args), task, scratch); else unreachable(); break;
    case 106: permute(changetype<PermuteArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 107: if (TRAINING) penalty(changetype<PenaltyArgs>(args), task, scratch); else unreachable(); break;
    // @ts-ignore: of the command that builds
    case 108: if (TRAINING) constrain(changetype<ConstrainArgs>(args), task, scratch); else unreachable(); break;
    case 109: resample2d(changetype<ResampleArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 110: if (TRAINING) sumBlocks2d(changetype<ResampleArgs>(args), task, scratch); else unreachable(); break;
    case 111: bilinear2dForward(changetype<ResampleArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 112: if (TRAINING) bilinear2dBackward(changetype<ResampleArgs>(args), task, scratch); else unreachable(); break;
    case 113: unaryForward(changetype<UnaryForwardArgs>(args), task, scratch); break;
    // @ts-ignore: of the command that builds
    case 114: if (TRAINING) unaryBackward(changetype<UnaryBackwardArgs>(args), task, scratch); else unreachable(); break;
    default: unreachable();
  }
}
