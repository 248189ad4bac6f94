import { markup } from "./markup.ts";
import { htmlPage } from "./page.ts";
import { confusion } from "./sections/confusion.ts";
import { curves } from "./sections/curves.ts";
import { gallery } from "./sections/gallery.ts";
import { headline } from "./sections/headline.ts";
import { images } from "./sections/images.ts";
import { filters, modelTable } from "./sections/model.ts";
import { run } from "./sections/run.ts";
import type { Report } from "./types.ts";

/**
 * The report as one HTML file: no script, nothing fetched, images inside. For light and dark screens of any width, and paper.
 * Parts that the report lacks (test figures, gallery, filters ...) are left out.
 * Throws RangeError where `filters` has a shape that does not fit its values.
 */
export function reportHtml(report: Report): string {
  return htmlPage(
    report.title,
    markup`${headline(report)}
<main>
${curves(report)}
${confusion(report)}
${gallery(report)}
${images(report)}
${filters(report)}
${modelTable(report)}
${run(report)}
</main>`,
  );
}
