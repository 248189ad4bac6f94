import { DATASETS } from "../../data/datasets.ts";

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

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

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

/** By the ending of a file's name; what is unknown is no document that a browser would show or run. */
export function contentType(extension: string): string {
  return TYPES[extension] ?? "application/octet-stream";
}
