import { AddArgs, FillArgs, PairArgs, addForward, addInto, fill, multiplyForward } from "./elementwise";
import { BroadcastArgs, SumBroadcastArgs, addBroadcast, multiplyBroadcast, sumBroadcast } from "./broadcast";
import { CopyColumnsArgs, copyColumns } from "./copy";
import {
  BatchNormConstantsArgs, BatchNormForwardArgs, BatchNormInferenceArgs, BatchNormStatisticsArgs, FoldNormArgs,
  batchNormConstants, batchNormForward, batchNormInference, batchNormStatistics, foldNorm,
} from "./batchnorm";
import {
  BatchNormBackwardArgs, BatchNormGradientsArgs, BatchNormSumsArgs, batchNormBackward, batchNormGradients, batchNormSums,
} from "./batchnorm-backward";
import { GemmArgs, gemm } from "./gemm";
import {
  Conv2dArgs, PackArgs, PadArgs, conv2dBackwardFilter, conv2dBackwardInput, conv2dForward, packFilter,
  packFilterTransposed, pad2d,
} from "./conv2d";
import { ActivationBackwardArgs, ActivationForwardArgs, activationBackward, activationForward } from "./activation";
import { SoftmaxBackwardArgs, SoftmaxForwardArgs, softmaxBackward, softmaxForward } from "./softmax";
import { averagePool2dBackward, averagePool2dForward } from "./averagepool2d";
import { Pool2dArgs, maxPool2dBackward, maxPool2dForward } from "./pool2d";
import {
  ColumnSumArgs, GlobalPoolArgs, columnSum, globalAveragePool2dBackward, globalAveragePool2dForward,
} from "./reduce";
import {
  LogitsLossArgs, LossArgs, MeanLossArgs, binaryCrossentropy, categoricalCrossentropy, meanAbsoluteError, meanLoss, meanSquaredError,
  sigmoidCrossentropy, softmaxCrossentropy,
} from "./loss";
import { CountCorrectArgs, countCorrect } from "./metrics";
import { OneHotArgs, PixelsToFloatArgs, oneHot, pixelsToFloat } from "./pixels";
import {
  DropoutArgs, RandomBitsArgs, RandomNormalArgs, RandomUniformArgs, dropoutBackward, dropoutForward,
  randomBits, randomNormal, randomUniform,
} from "./random";
import { ClipByNormArgs, ClipByValueArgs, SumSquaresArgs, clipByNorm, clipByValue, sumSquares } from "./clip";
import {
  AdamArgs, AdvanceStepArgs, RmspropArgs, SgdArgs, adam, advanceStep, rmsprop, sgd,
} from "./optimizer";
import { convPoolForward } from "./convpool";
import { ConvPoolArgs } from "./convpool-args";
import { convPoolBackwardFilter, convPoolBackwardInput, packFilterRows } from "./convpool-backward";
import { WinogradArgs, WinogradFilterArgs, winogradFilter, winogradForward } from "./winograd";
import {
  WinogradTapsArgs, WinogradTilesArgs, winogradTaps, winogradTiles,
} from "./winograd-gradient";
import { PeakArgs, peak } from "./peak";

/**
 * Runs one task of a kernel. A switch, because first-class functions stay indirect calls in AssemblyScript.
 * scripts/abi.mjs reads these lines and the argument classes, and writes src/engine/abi.ts from them.
 */
export function dispatch(id: i32, args: usize, task: i32, scratch: usize): void {
  switch (id) {
    case 0: fill(changetype<FillArgs>(args), task, scratch); break;
    case 1: addInto(changetype<AddArgs>(args), task, scratch); break;
    case 2: gemm(changetype<GemmArgs>(args), task, scratch); break;
    case 3: pad2d(changetype<PadArgs>(args), task, scratch); break;
    case 4: packFilter(changetype<PackArgs>(args), task, scratch); break;
    case 5: packFilterTransposed(changetype<PackArgs>(args), task, scratch); break;
    case 6: conv2dForward(changetype<Conv2dArgs>(args), task, scratch); break;
    case 7: conv2dBackwardFilter(changetype<Conv2dArgs>(args), task, scratch); break;
    case 8: conv2dBackwardInput(changetype<Conv2dArgs>(args), task, scratch); break;
    case 9: convPoolForward(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 10: packFilterRows(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 11: convPoolBackwardFilter(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 12: convPoolBackwardInput(changetype<ConvPoolArgs>(args), task, scratch); break;
    case 13: winogradFilter(changetype<WinogradFilterArgs>(args), task, scratch); break;
    case 14: winogradForward(changetype<WinogradArgs>(args), task, scratch); break;
    case 15: winogradTiles(changetype<WinogradTilesArgs>(args), task, scratch); break;
    case 16: winogradTaps(changetype<WinogradTapsArgs>(args), task, scratch); break;
    case 20: activationForward(changetype<ActivationForwardArgs>(args), task, scratch); break;
    case 21: activationBackward(changetype<ActivationBackwardArgs>(args), task, scratch); break;
    case 22: softmaxForward(changetype<SoftmaxForwardArgs>(args), task, scratch); break;
    case 23: softmaxBackward(changetype<SoftmaxBackwardArgs>(args), task, scratch); break;
    case 24: maxPool2dForward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 25: maxPool2dBackward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 26: averagePool2dForward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 27: averagePool2dBackward(changetype<Pool2dArgs>(args), task, scratch); break;
    case 28: globalAveragePool2dForward(changetype<GlobalPoolArgs>(args), task, scratch); break;
    case 29: globalAveragePool2dBackward(changetype<GlobalPoolArgs>(args), task, scratch); break;
    case 30: columnSum(changetype<ColumnSumArgs>(args), task, scratch); break;
    case 31: softmaxCrossentropy(changetype<LogitsLossArgs>(args), task, scratch); break;
    case 32: categoricalCrossentropy(changetype<LossArgs>(args), task, scratch); break;
    case 33: binaryCrossentropy(changetype<LossArgs>(args), task, scratch); break;
    case 34: meanSquaredError(changetype<LossArgs>(args), task, scratch); break;
    case 35: meanLoss(changetype<MeanLossArgs>(args), task, scratch); break;
    case 36: countCorrect(changetype<CountCorrectArgs>(args), task, scratch); break;
    case 37: oneHot(changetype<OneHotArgs>(args), task, scratch); break;
    case 38: pixelsToFloat(changetype<PixelsToFloatArgs>(args), task, scratch); break;
    case 39: randomBits(changetype<RandomBitsArgs>(args), task, scratch); break;
    case 40: randomUniform(changetype<RandomUniformArgs>(args), task, scratch); break;
    case 41: randomNormal(changetype<RandomNormalArgs>(args), task, scratch); break;
    case 42: dropoutForward(changetype<DropoutArgs>(args), task, scratch); break;
    case 43: dropoutBackward(changetype<DropoutArgs>(args), task, scratch); break;
    case 44: advanceStep(changetype<AdvanceStepArgs>(args), task, scratch); break;
    case 45: sgd(changetype<SgdArgs>(args), task, scratch); break;
    case 46: rmsprop(changetype<RmspropArgs>(args), task, scratch); break;
    case 47: adam(changetype<AdamArgs>(args), task, scratch); break;
    case 48: clipByValue(changetype<ClipByValueArgs>(args), task, scratch); break;
    case 49: sumSquares(changetype<SumSquaresArgs>(args), task, scratch); break;
    case 50: clipByNorm(changetype<ClipByNormArgs>(args), task, scratch); break;
    case 51: sigmoidCrossentropy(changetype<LogitsLossArgs>(args), task, scratch); break;
    case 52: addForward(changetype<PairArgs>(args), task, scratch); break;
    case 53: multiplyForward(changetype<PairArgs>(args), task, scratch); break;
    case 54: addBroadcast(changetype<BroadcastArgs>(args), task, scratch); break;
    case 55: multiplyBroadcast(changetype<BroadcastArgs>(args), task, scratch); break;
    case 56: sumBroadcast(changetype<SumBroadcastArgs>(args), task, scratch); break;
    case 57: copyColumns(changetype<CopyColumnsArgs>(args), task, scratch); break;
    case 60: peak(changetype<PeakArgs>(args), task, scratch); break;
    case 61: batchNormStatistics(changetype<BatchNormStatisticsArgs>(args), task, scratch); break;
    case 62: batchNormConstants(changetype<BatchNormConstantsArgs>(args), task, scratch); break;
    case 63: batchNormInference(changetype<BatchNormInferenceArgs>(args), task, scratch); break;
    case 64: batchNormForward(changetype<BatchNormForwardArgs>(args), task, scratch); break;
    case 65: foldNorm(changetype<FoldNormArgs>(args), task, scratch); break;
    case 66: batchNormSums(changetype<BatchNormSumsArgs>(args), task, scratch); break;
    case 67: batchNormGradients(changetype<BatchNormGradientsArgs>(args), task, scratch); break;
    case 68: batchNormBackward(changetype<BatchNormBackwardArgs>(args), task, scratch); break;
    case 69: meanAbsoluteError(changetype<LossArgs>(args), task, scratch); break;
    default: unreachable();
  }
}
