import { accuracyChart, lossChart } from "../curves.ts";
import { count, percent, significant } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { EpochRecord, Report } from "../types.ts";
import { headRow, numberCells, scrollBox, section } from "./parts.ts";

/** Both charts, and the same figures as a table. */
export function curves({ history }: Report): Markup {
  if (history.length === 0)
    return section("curves", "Learning curves", markup`<p class="lead">No epoch was finished.</p>`);
  const validated = history.some(({ val_loss }) => val_loss !== undefined);
  const measured = history.some(({ accuracy }) => accuracy !== undefined);
  const lead = validated
    ? "Training figures are means over the epoch, while the weights change; validation follows at its end."
    : "Means over each epoch, while the weights change. This run kept no images for validation.";
  return section(
    "curves",
    "Learning curves",
    markup`<p class="lead">${lead}</p>
<div class="split">
${measured && markup`<div class="panel">${accuracyChart(history, false)}</div>`}
<div class="panel">${lossChart(history, false)}</div>
</div>
<details><summary>All epochs as a table</summary>
<div class="panel">${scrollBox("Figures by epoch", epochTable(history, validated))}</div>
</details>`,
  );
}

function epochTable(history: readonly EpochRecord[], validated: boolean): Markup {
  const names = [
    "Epoch",
    "Loss",
    "Accuracy",
    ...(validated ? ["Val. loss", "Val. accuracy"] : []),
    "Images/s",
  ];
  return markup`<table>
<caption>Figures of each epoch</caption>
${headRow(names)}
<tbody>${history.map((record) => {
    const { epoch, loss, accuracy, val_loss, val_accuracy, imagesPerSecond } = record;
    const validation = validated ? [significant(val_loss), percent(val_accuracy, 2)] : [];
    const speed = count(imagesPerSecond ?? Number.NaN);
    return markup`
<tr><th scope="row">${epoch + 1}</th>${numberCells([significant(loss), percent(accuracy, 2), ...validation, speed])}</tr>`;
  })}
</tbody>
</table>`;
}
