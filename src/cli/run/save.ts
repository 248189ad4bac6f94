import { accuracySvg, lossSvg } from "../../report/curves.ts";
import { reportHtml } from "../../report/html.ts";
import { type ModelMetadata, saveModel } from "../../train/model-file.ts";
import type { Sequential } from "../../train/sequential.ts";
import { formatJson } from "../json.ts";
import type { Output } from "../output.ts";
import { type RunFolder, RunFolderError, rescue } from "./folder.ts";
import { historyCsv, type Recorder } from "./history.ts";
import { type FinishedRun, type RunResult, reportOf } from "./record.ts";

/** Epochs shorter than this are not each saved: waiting for the disk would slow them down. */
const CHECKPOINT_MS = 5000;

/** Writes the files of a run, while it trains and when it has ended. */
export class RunWriter {
  readonly #folder: RunFolder;
  readonly #model: Sequential;
  readonly #recorder: Recorder;
  readonly #output: Output;
  readonly #metadata: ModelMetadata;
  #savedAt = Number.NEGATIVE_INFINITY;
  /** A checkpoint that could not be written is told of once. */
  #warned = false;

  constructor(
    folder: RunFolder,
    model: Sequential,
    recorder: Recorder,
    output: Output,
    metadata: ModelMetadata,
  ) {
    this.#folder = folder;
    this.#model = model;
    this.#recorder = recorder;
    this.#output = output;
    this.#metadata = metadata;
  }

  /** After an epoch, so that a crash or power cut costs little. Training goes on if it fails. */
  async checkpoint(): Promise<void> {
    if (performance.now() - this.#savedAt < CHECKPOINT_MS) return;
    this.#savedAt = performance.now();
    try {
      await this.#write(saveModel(this.#model, this.#metadata));
    } catch (error) {
      if (!(error instanceof RunFolderError)) throw error;
      if (!this.#warned)
        this.#output.notice(`${error.message}. Training goes on; the model is saved at its end.`);
      this.#warned = true;
    }
  }

  /** When training has ended. Where the folder takes no more, the model goes to the system's temporary folder. */
  async saveWeights(): Promise<void> {
    const model = saveModel(this.#model, this.#metadata);
    try {
      await this.#write(model);
    } catch (error) {
      if (!(error instanceof RunFolderError)) throw error;
      const path = await rescue(model);
      throw new RunFolderError(`${error.message}. The trained model is saved in ${path}`, { cause: error });
    }
  }

  /** The rest of the run's files, `result.json` last. */
  async saveReport(run: FinishedRun, result: RunResult): Promise<void> {
    const { epochs } = this.#recorder;
    await this.#folder.write("accuracy.svg", accuracySvg(epochs, run.kept));
    await this.#folder.write("loss.svg", lossSvg(epochs, run.kept));
    await this.#folder.write("report.html", reportHtml(reportOf(run)));
    await this.#folder.write("result.json", `${formatJson(result)}\n`);
  }

  async #write(model: Uint8Array): Promise<void> {
    await this.#folder.write("model.safetensors", model);
    await this.#folder.write("history.csv", historyCsv(this.#recorder.epochs));
  }
}
