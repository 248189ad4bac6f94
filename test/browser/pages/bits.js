/**
 * 200 steps of the CNN of the Keras MNIST notebook on generated digits, with the package given: the same numbers in every
 * engine. Runs in pages and, by node-bits.mjs, in Node.
 * @param {{ threads: number, backend?: "simd" | "relaxed" | "scalar", worker?: boolean }} how `worker`: by a Trainer
 */
export async function train(api, { threads, backend = "simd", worker = false }) {
  const { train } = await api.generateDigits({ train: 6400, test: 10 });
  const model = api.sequential(api.namedModel("keras-mnist", [28, 28, 1], 10));
  const options = { optimizer: api.adam(), seed: 1, backend, threads };
  const trainer = worker ? await api.createTrainer(model, options) : model;
  if (!worker) await model.compile(options);
  const { history } = await trainer.fit(train, { epochs: 1, batchSize: 32 });
  const engine = worker ? trainer.info : model.session.engine;
  const result = {
    backend: engine.backend,
    threads: engine.threads,
    loss: history.loss[0],
    sha256: await trainer.weightsSha256(),
  };
  trainer.dispose();
  return result;
}
