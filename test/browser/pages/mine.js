// Losses and metrics as a user's module has them: plain objects, without an import.
export const absolute = {
  name: "absolute",
  takes: "probabilities",
  compute({ outputs, targets, rows, cols, losses, gradient }) {
    for (let i = 0; i < rows * cols; i++) {
      const d = outputs[i] - targets[i];
      losses[Math.floor(i / cols)] += Math.abs(d);
      if (gradient) gradient[i] = Math.sign(d);
    }
  },
};

export const sure = {
  name: "sure",
  update(accumulators, { outputs, rows }) {
    for (const y of outputs) if (y > 0.9) accumulators[0]++;
    accumulators[1] += rows;
  },
};

export const helper = (x) => x;
export default null;
