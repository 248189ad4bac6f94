import { type Command, InvalidArgumentError, Option } from "commander";
import { DataError } from "../../data/errors.ts";
import type { PictureOptions } from "../../data/picture-options.ts";
import { describeDataset, openDataset } from "../datasets.ts";
import { withInterrupt } from "../interrupt.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { dataDirOption, nonEmpty, offlineOption, pictureOptions } from "../options.ts";
import { formatTable, type Output, printable } from "../output.ts";
import { writeOutput } from "../write-output.ts";

interface ExportOptions extends PictureOptions {
  readonly dataDir?: string;
  readonly offline?: boolean;
  readonly compress?: boolean;
}

export function exportCommand(): Command {
  const command = createCommand(
    "export",
    "Write a dataset as one .npz file of NumPy's, as Keras has its datasets",
  )
    .argument("<dataset>", "a name of data list, or a path, as --dataset of train takes it", nonEmpty)
    .argument("<file>", "an .npz file, which replaces one that is there", npzFile)
    .optionsGroup("Data:")
    .addOption(dataDirOption())
    .addOption(offlineOption())
    .optionsGroup("Pictures:");
  for (const option of pictureOptions()) command.addOption(option);
  command
    .optionsGroup("Output:")
    .addOption(new Option("--compress", "pack the arrays; a packed file cannot be streamed from disk"));
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((dataset: string, file: string, options: ExportOptions & CommonOptions) =>
      perform(options, (output) => exportDataset(dataset, file, options, output)),
    );
}

const NOTES = `
The arrays are x_train, y_train, x_test and y_test, and where the dataset has images
for validation x_val and y_val: images are bytes (n, height, width), with colours
(n, height, width, channels), labels (n). Names of classes are class_names.

Examples:
  wasmgrad data export mnist mnist.npz
  wasmgrad data export path/to/pictures pictures.npz --image-size 64x64 --compress
  python -c "import numpy; print(numpy.load('mnist.npz')['x_train'].shape)"`;

function npzFile(text: string): string {
  if (!/\.npz$/i.test(text))
    throw new InvalidArgumentError("Expected a file that ends with .npz, such as mnist.npz.");
  return text;
}

export async function exportDataset(
  name: string,
  file: string,
  { compress = false, ...options }: ExportOptions,
  output: Output,
): Promise<void> {
  await withInterrupt(undefined, async (signal) => {
    // All of it is written: there is nothing to stream for.
    const dataset = await openDataset({ ...options, dataset: name, stream: false }, output, signal);
    const { arraysOf, npzOf } = await import("../../sources/npz-file.ts");
    const whole = await arraysOf(dataset);
    const bytes = npzOf(whole, compress);
    signal.throwIfAborted();
    await writeOutput(file, bytes, (text, cause) => new DataError("unwritable", text, cause));
    const arrays = whole.map(({ name: array, shape, data }) => ({
      name: array,
      shape,
      type: data instanceof Float32Array ? "float32" : "byteLength" in data ? "uint8" : "str",
    }));
    output.print(describeDataset(dataset));
    // As NumPy shows shapes.
    const rows = arrays.map(({ name, shape, type }) => [
      name,
      shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`,
      type,
    ]);
    output.print(formatTable([["array", "shape", "type"], ...rows], "<<<"));
    output.print(`Written: ${printable(file)}`);
    output.document({ file, dataset: dataset.name, bytes: bytes.length, compressed: compress, arrays });
  });
}
