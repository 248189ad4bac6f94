/** Why a worker's script says nothing of its own. */
export function notStarted(url: string | URL): Error {
  return new Error(
    `the worker script ${url} cannot be started: does it exist, and does the page's Content-Security-Policy allow it (worker-src)? Where blob: workers are forbidden, pass workerUrl, the URL of wasmgrad's dist/browser/worker.js; on a cross-origin isolated page it needs the header Cross-Origin-Embedder-Policy, too`,
  );
}
