import url from "../../dist/browser/worker.js?url";

/** The package's worker script, as a file of the page: its policy forbids workers made of text. */
export const WORKER_URL: string = url;
