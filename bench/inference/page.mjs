// Runs in the browser: starts a worker for each measurement, so that none finds what another left.
window.bench = {
  measure: (job) =>
    new Promise((resolve, reject) => {
      const worker = new Worker("/inference-worker.js", { type: "module" });
      const end = (settle, value) => {
        worker.terminate();
        settle(value);
      };
      worker.onmessage = ({ data }) =>
        data.error ? end(reject, new Error(data.error)) : end(resolve, data.answer);
      worker.onerror = ({ message }) => end(reject, new Error(message));
      worker.postMessage(job);
    }),
};
