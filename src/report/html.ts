import { markup } from "./markup.ts";
import { confusion } from "./sections/confusion.ts";
import { curves } from "./sections/curves.ts";
import { gallery } from "./sections/gallery.ts";
import { headline } from "./sections/headline.ts";
import { images } from "./sections/images.ts";
import { filters, modelTable } from "./sections/model.ts";
import { run } from "./sections/run.ts";
import { PAGE_STYLE } from "./style.ts";
import type { Report } from "./types.ts";

/** Forbids everything but what the page carries in itself, so that no name in the data could do harm. */
export const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/**
 * The report as one HTML file: no script, nothing fetched, images inside. For light and dark screens of any width, and paper.
 * Parts that the report lacks (test figures, gallery, filters ...) are left out.
 * Throws RangeError where `filters` has a shape that does not fit its values.
 */
export function reportHtml(report: Report): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="wasmgrad">
<title>${report.title}</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<div class="wrap">
${headline(report)}
<main>
${curves(report)}
${confusion(report)}
${gallery(report)}
${images(report)}
${filters(report)}
${modelTable(report)}
${run(report)}
</main>
</div>
</body>
</html>
`.text;
}
