// One measurement in a process of its own: argv[2] is the job as JSON, the answer goes to the parent by IPC.
import { readImages } from "./images.mjs";
import { measureInference, measureTraining } from "./measure.mjs";
import { PARAMETERS } from "./seed-cnn.mjs";

const job = JSON.parse(process.argv[2]);

/** A phase that fails says why; the other phase is measured all the same. */
async function phase(run) {
  try {
    return await run();
  } catch (error) {
    return { reason: firstLine(error) };
  }
}

function firstLine(error) {
  const [line] = String(error?.message ?? error)
    .trim()
    .split("\n");
  return error?.code === "ERR_MODULE_NOT_FOUND"
    ? `${line} (npm --prefix bench/peers ci; npm run build)`
    : line;
}

async function main() {
  const { open } = await import(`./${job.adapter}.mjs`);
  const data = await readImages(job.file, job.images);
  const model = await open({ variant: job.variant, threads: job.threads, data });
  if (model.parameters !== PARAMETERS)
    throw new Error(`built a net of ${model.parameters} parameters, expected ${PARAMETERS}`);
  const training = await phase(async () => {
    const result = await measureTraining(model, job);
    if (!(result.lossLast < result.lossFirst))
      throw new Error(`does not learn: loss ${result.lossFirst} at first, ${result.lossLast} at last`);
    return result;
  });
  const inference = await phase(() => measureInference(model, { ...job, seconds: job.seconds / 2 }));
  const { user, system } = process.cpuUsage();
  return { parameters: model.parameters, training, inference, cpuSeconds: (user + system) / 1e6 };
}

const answer = await main().catch((error) => ({ reason: firstLine(error) }));
process.send(answer, () => process.exit(0));
