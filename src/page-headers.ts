// What the page may do, and needs: `wasmgrad serve` sends it, and the page itself has what a <meta> element can say.
import { DATASETS } from "./data/datasets.ts";

/** Origins that datasets are fetched from: mirrors that let web pages in. */
const MIRRORS = [
  ...new Set(
    Object.values(DATASETS).flatMap(({ mirrors }) =>
      mirrors.filter(({ cors }) => cors).map(({ url }) => new URL(url).origin),
    ),
  ),
];

/** What the page may do. All of it holds in a <meta> element, too; a header adds FRAMES. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  `connect-src 'self' ${MIRRORS.join(" ")}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const FRAMES = "frame-ancestors 'none'";

/** Headers of every answer. `isolation`: those that shared memory, and so threads, need. */
export function commonHeaders(isolation: boolean): Record<string, string> {
  return {
    "Content-Security-Policy": `${PAGE_POLICY}; ${FRAMES}`,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    ...(isolation && {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    }),
  };
}
