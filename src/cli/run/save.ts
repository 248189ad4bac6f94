import { accuracySvg, lossSvg } from "../../report/curves.ts";
import { reportHtml } from "../../report/html.ts";
import { figuresOf } from "../../run/config.ts";
import type { RunOutcome } from "../../run/run.ts";
import type { ReadyRun } from "../../run/types.ts";
import { formatJson } from "../json.ts";
import { type Output, printable } from "../output.ts";
import { RunFolderError } from "./errors.ts";
import type { RunFolder } from "./folder.ts";
import { historyCsv } from "./history.ts";
import { type RunRecord, reportOfRun } from "./record.ts";
import { rescue } from "./rescue.ts";
import { CHECKPOINT } from "./swap.ts";

/** Epochs shorter than this are not each saved: waiting for the disk would slow them down. */
const CHECKPOINT_MS = 5000;

/** Writes the files of a run, while it trains and when it has ended. */
export class RunWriter {
  readonly #folder: RunFolder;
  readonly #run: ReadyRun;
  readonly #output: Output;
  #before: Uint8Array | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;
  /** A checkpoint that could not be written is told of once. */
  #warned = false;
  /** Epochs that the last checkpoint has seen. */
  #savedEpochs = 0;

  /** @param checkpoint what the run goes on from: it comes along where none is made before the end */
  constructor(folder: RunFolder, run: ReadyRun, output: Output, checkpoint?: Uint8Array) {
    this.#folder = folder;
    this.#before = checkpoint;
    this.#run = run;
    this.#output = output;
  }

  /** After an epoch, so that a crash or power cut costs little. Training goes on if it fails. */
  async epochEnd(): Promise<void> {
    // A model of another moment than the checkpoint's must not lie beside it.
    if (this.#run.config.checkpointEvery !== undefined) return;
    if (performance.now() - this.#savedAt < CHECKPOINT_MS) return;
    this.#savedAt = performance.now();
    await this.checkpoint();
  }

  /** The model with what there is to go on from, whenever that is due. Training goes on if it fails. */
  async checkpoint(checkpoint?: Uint8Array): Promise<void> {
    try {
      await this.#write(await this.#modelFile(), checkpoint);
    } catch (error) {
      if (!(error instanceof RunFolderError)) throw error;
      if (!this.#warned)
        this.#output.notice(`${error.message}. Training goes on; the model is saved at its end.`);
      this.#warned = true;
    }
  }

  /** When training has ended. Where the folder takes no more, the model goes where there is room. */
  async saveWeights(): Promise<void> {
    const model = await this.#modelFile();
    try {
      await this.#write(model);
    } catch (error) {
      if (!(error instanceof RunFolderError)) throw error;
      const { message } = error;
      const rescued = await rescue(model);
      if ("path" in rescued)
        throw new RunFolderError(`${message}. The trained model is saved in ${printable(rescued.path)}`, {
          cause: error,
        });
      const { saved } = this.#folder;
      const left =
        saved === undefined
          ? "nothing of this training is left"
          : `what is left is its checkpoint after epoch ${this.#savedEpochs}, in ${printable(saved)}`;
      throw new RunFolderError(
        `${message}. No other folder takes the trained model either: ${rescued.refusals.join(", ")}. Its weights are lost; ${left}`,
        { cause: error },
      );
    }
  }

  /**
   * The rest of the run's files. Those of a run that it replaces are gone then, unless this one failed: it stays beside
   * the other.
   */
  async saveReport(run: RunOutcome, record: RunRecord): Promise<void> {
    const { epochs } = this.#run.recorder;
    try {
      await this.#folder[run.failure ? "save" : "complete"]({
        "accuracy.svg": accuracySvg(epochs, run.kept),
        "loss.svg": lossSvg(epochs, run.kept),
        "report.html": reportHtml(await reportOfRun(run)),
        "result.json": `${formatJson(record)}\n`,
      });
    } catch (error) {
      if (!(error instanceof RunFolderError)) throw error;
      throw new RunFolderError(
        `${error.message}. The trained model and its history are saved in ${printable(this.#folder.saved!)}`,
        { cause: error },
      );
    }
  }

  #modelFile(): Promise<Uint8Array> {
    return this.#run.learner.save(this.#run.metadata);
  }

  async #write(model: Uint8Array, checkpoint = this.#before): Promise<void> {
    const { epochs } = this.#run.recorder;
    await this.#folder.save({
      "model.safetensors": model,
      ...(checkpoint && { [CHECKPOINT]: checkpoint }),
      "history.csv": historyCsv(epochs, figuresOf(this.#run.config)),
    });
    this.#before = undefined;
    this.#savedEpochs = epochs.length;
  }
}
