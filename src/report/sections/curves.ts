import { accuracyChart, errorChart, lossChart, overlapChart } from "../curves.ts";
import type { EpochRecord } from "../epoch-record.ts";
import { count, percent, significant } from "../format.ts";
import { keptMark } from "../kept.ts";
import { type Markup, markup } from "../markup.ts";
import type { Report } from "../types.ts";
import { headRow, numberCells, scrollBox, section } from "./parts.ts";

/** Both charts, and the same figures as a table. */
export function curves({ history, kept }: Report): Markup {
  if (history.length === 0)
    return section("curves", "Learning curves", markup`<p class="lead">No epoch was finished.</p>`);
  const validated = history.some(({ val_loss }) => val_loss !== undefined);
  const has = (figure: keyof EpochRecord) => history.some((record) => record[figure] !== undefined);
  const run = { history, kept };
  const error = has("meanAbsoluteError") ? "meanAbsoluteError" : "meanSquaredError";
  // Of masks the overlap says more.
  const first = has("meanIoU")
    ? overlapChart(run)
    : has("accuracy")
      ? accuracyChart(run, false)
      : has(error) && errorChart(run, error);
  const mark = keptMark(history, kept);
  const lead = validated
    ? "Training figures are means over the epoch, while the weights change; validation follows at its end."
    : "Means over each epoch, while the weights change. This run kept no images for validation.";
  const values = mark
    ? ` The numbers beside the names are those of ${mark.text}, whose weights were kept.`
    : "";
  return section(
    "curves",
    "Learning curves",
    markup`<p class="lead">${lead}${values}</p>
<div class="split">
${first && markup`<div class="panel">${first}</div>`}
<div class="panel">${lossChart(run, false)}</div>
</div>
<details><summary>All epochs as a table</summary>
<div class="panel">${scrollBox("Figures by epoch", epochTable(history, mark?.x))}</div>
</details>`,
  );
}

interface Column {
  readonly name: string;
  readonly text: (record: EpochRecord) => string;
  /** Whether any epoch has it. */
  readonly known: (record: EpochRecord) => boolean;
}

/** A column of a figure that few runs have. */
function column(name: string, figure: keyof EpochRecord): Column {
  return {
    name,
    text: (record) => significant(record[figure]),
    known: (record) => record[figure] !== undefined,
  };
}

const COLUMNS: readonly Column[] = [
  { name: "Loss", text: ({ loss }) => significant(loss), known: () => true },
  {
    name: "Accuracy",
    text: ({ accuracy }) => percent(accuracy, 2),
    known: ({ accuracy }) => accuracy !== undefined,
  },
  column("Mean IoU", "meanIoU"),
  column("Abs. error", "meanAbsoluteError"),
  column("Sq. error", "meanSquaredError"),
  {
    name: "Val. loss",
    text: ({ val_loss }) => significant(val_loss),
    known: ({ val_loss }) => val_loss !== undefined,
  },
  {
    name: "Val. accuracy",
    text: ({ val_accuracy }) => percent(val_accuracy, 2),
    known: ({ val_accuracy }) => val_accuracy !== undefined,
  },
  column("Val. IoU", "val_meanIoU"),
  column("Val. abs. error", "val_meanAbsoluteError"),
  column("Val. sq. error", "val_meanSquaredError"),
  {
    name: "Images/s",
    text: ({ imagesPerSecond }) => count(imagesPerSecond ?? Number.NaN),
    known: () => true,
  },
];

/** @param kept number of the kept epoch, from 1 */
function epochTable(history: readonly EpochRecord[], kept: number | undefined): Markup {
  const columns = COLUMNS.filter(({ known }) => history.some(known));
  return markup`<table>
<caption>Figures of each epoch</caption>
${headRow(["Epoch", ...columns.map(({ name }) => name)])}
<tbody>${history.map((record) => {
    const number = record.epoch + 1;
    const chosen = number === kept;
    return markup`
<tr${chosen && markup` class="kept"`}><th scope="row">${number}${chosen && " (kept)"}</th>${numberCells(columns.map(({ text }) => text(record)))}</tr>`;
  })}
</tbody>
</table>`;
}
