import { type Command, Option } from "commander";
import { LOSSES } from "../../losses/names.ts";
import { checkRunConfig, runTable, TARGETS } from "../../run/config.ts";
import { RECIPE_NAMES, RECIPES } from "../../train/recipes.ts";
import { addCallbackOptions } from "../callback-options.ts";
import { COMMANDS } from "../command-names.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { modelsHelp } from "../models.ts";
import { addOptimizerOptions } from "../optimizer-options.ts";
import {
  backendOption,
  batchSizeOption,
  checkpointEvery,
  classWeights,
  dataDirOption,
  datasetOption,
  freeze,
  head,
  maxMemoryOption,
  modelOption,
  nonEmpty,
  offlineOption,
  pictureOptions,
  preprocessing,
  streamOptions,
  threadsOption,
  trainingImagesOptions,
  wholeNumber,
} from "../options.ts";
import type { TrainOptions } from "../run/begin.ts";
import { train } from "../run/train.ts";

export function trainCommand(): Command {
  const usual = checkRunConfig({});
  const figures = runTable().restoreBest.names!;
  const command = createCommand("train", COMMANDS.train.does)
    .optionsGroup("Run:")
    .addOption(
      new Option(
        "--config <file>",
        "a JSON file of settings, or the result.json of a run to repeat; flags given beside it win",
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        "--checkpoint-every <n>",
        "save what the run can go on from after every n epochs, or with 500steps that many training steps",
      ).argParser(checkpointEvery),
    )
    .addOption(
      new Option(
        "--resume <run>",
        "go on with a run that was stopped or killed, from its last checkpoint and with its settings; --epochs and --learning-rate may be others",
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        "--from <run>",
        "begin with the weights of a run or a model file, as far as names and shapes are the same; without --model also with its layers, and a head for the dataset's classes",
      ).argParser(nonEmpty),
    )
    .optionsGroup("Data:")
    .addOption(datasetOption().default(usual.dataset))
    .addOption(dataDirOption())
    .addOption(offlineOption());
  for (const option of [...streamOptions(), ...trainingImagesOptions(usual.validationSplit)])
    command.addOption(option);
  command.optionsGroup("Pictures:");
  for (const option of pictureOptions()) command.addOption(option);
  command
    .optionsGroup("Model and training:")
    .addOption(
      new Option(
        "--targets <what>",
        "what the model gives for an image: labels, its class; images, the image itself (an autoencoder); masks, a class for each pixel, of grey images without masks that of their ink; numbers that the dataset has (default: labels)",
      ).choices(TARGETS),
    )
    .addOption(
      modelOption("; of --targets images autoencoder, of masks and numbers unet").default(usual.model),
    )
    .addOption(
      new Option(
        "--recipe <name>",
        `settings that go well together, optimizer included; ${RECIPE_NAMES.map((name) => `${name}: ${RECIPES[name].description}`).join("; ")}`,
      ).choices(RECIPE_NAMES),
    )
    .addOption(
      new Option("--epochs <n>", "times through the training images")
        .argParser(wholeNumber(1, 1_000_000))
        .default(usual.epochs),
    )
    .addOption(batchSizeOption("images in a training step").default(usual.batchSize))
    .addOption(new Option("--loss <name>", "what training minimizes").choices(LOSSES).default(usual.loss))
    .addOption(
      new Option(
        "--class-weight <weights>",
        "what images of a class count in training: balanced (all classes the same), or by class id as 0=1,3=2.5, others 1",
      ).argParser(classWeights),
    )
    .addOption(
      new Option("--seed <n>", "fixes initial weights, shuffles and dropout, and so the trained weights")
        .argParser(wholeNumber(0))
        .default(usual.seed),
    )
    .addOption(
      new Option(
        "--restore-best <figure>",
        "keep the weights of the epoch in which this figure was best; none: the last epoch's (default: val_accuracy, without validation none)",
      ).choices(figures),
    )
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(maxMemoryOption("2GB"));
  command
    .optionsGroup("Transfer learning:")
    .addOption(
      new Option(
        "--base <file>",
        "begin with the layers and weights of a trained model, a run folder or a file of any format that is read, and end with a new head; of weights alone --model says the layers, of a JSON file of layers --from the weights. Pictures take its size and colours",
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        "--cut <layer>",
        "the layer that the backbone ends with (default: before its classifier)",
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        "--freeze <which>",
        "layers of the backbone that training leaves as they are: all, none, the first N, or with -N all but the last N (default: all); with --from of all its layers (default: as they were)",
      ).argParser(freeze),
    )
    .addOption(
      new Option(
        "--head <units>",
        "dense layers behind the backbone: units of hidden ones, then classes, as 128,classes (default: classes)",
      ).argParser(head),
    )
    .addOption(
      new Option(
        "--preprocessing <scale,offset>",
        "a byte pixel becomes pixel * scale + offset, such as 1/127.5,-1 (default: that of the base's file, else 1/255,0)",
      ).argParser(preprocessing),
    );
  addCallbackOptions(addOptimizerOptions(command))
    .optionsGroup("Output:")
    .addOption(
      new Option(
        "--out <folder>",
        "run folder (default: runs/<dataset>-<model>-<n>, n the first that is free)",
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        "--overwrite",
        "let --out replace the training run that it holds, once the new one is complete",
      ),
    );
  return addCommonOptions(command)
    .addHelpText("after", () => `\n${modelsHelp()}\n${NOTES}`)
    .action((options: TrainOptions & CommonOptions) =>
      perform(options, async (output) => train(givenOptions(options, command), output)),
    );
}

/** The options that were given: defaults that help shows count for less than a file of settings. */
export function givenOptions(options: TrainOptions & CommonOptions, command: Command): TrainOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([key]) => command.getOptionValueSource(key) === "cli"),
  );
}

const NOTES = `
A model file lists layers, with the options of the layer functions; the input
shape comes from the dataset:
  {"layers": [
    {"type": "conv2d", "filters": 16, "kernelSize": 3, "activation": "relu"},
    {"type": "maxPooling2d"}, {"type": "flatten"},
    {"type": "dropout", "rate": 0.25},
    {"type": "dense", "units": 10, "activation": "softmax"}]}

The run folder holds model.safetensors, history.csv, result.json, accuracy.svg,
loss.svg and report.html. Weights and history are there from the first epoch on,
and renewed together after each one that ends 5 seconds or more after the last
renewal. With --overwrite they are kept in <folder>/.wasmgrad.next, and the old
run stays whole until the new one is complete and takes its place in one step. A
folder takes one training at a time; what a killed one left is put in order by
the next. docs/run-folder.md says more.

With --checkpoint-every the folder also holds checkpoint.safetensors, renewed
together with model and history. --resume goes on from it, also after kill -9:
the run ends with the same bits as one that was never interrupted. A run that is
complete trains on with more --epochs, one that diverged with another
--learning-rate; what it was stays until the run is complete again.

Ctrl-C stops after the step under way, then tests and saves the model as it is;
the exit status is 130 (SIGTERM: likewise, 143; a closed terminal, SIGHUP: 129).
A second Ctrl-C exits at once. Exit status else: 0 done, 1 failed, 2 wrong usage.

Examples:
  wasmgrad train
  wasmgrad train --dataset mnist --epochs 10 --seed 1 --out runs/first
  wasmgrad train --dataset mnist --recipe fast
  wasmgrad train --config runs/first/result.json --out runs/again
  wasmgrad train --epochs 50 --checkpoint-every 5 --out runs/long
  wasmgrad train --resume runs/long
  wasmgrad train --epochs 100 --early-stopping 5 --reduce-lr 2 --csv-log log.csv
  wasmgrad train --dataset kmnist --from runs/first --learning-rate 0.0003
  wasmgrad train --dataset path/to/pictures --base backbone.keras \\
    --head 128,classes
  wasmgrad train --dataset fashion-mnist --model lenet5 \\
    --optimizer sgd --momentum 0.9 --nesterov
  wasmgrad train --dataset path/to/pictures --image-size 64x64 --model lenet5
  wasmgrad train --dataset path/to/idx-folder --model my-model.json --json
  wasmgrad train --targets images --dataset fashion-mnist --epochs 5
  wasmgrad train --targets masks --digits-count 2000 --epochs 3`;
