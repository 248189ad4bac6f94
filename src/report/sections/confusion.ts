import { count, fixed, NONE, percent } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import { type ClassFigures, classReport, topMistakes } from "../metrics.ts";
import type { Report, ReportDataset } from "../types.ts";
import { className, headRow, numberCells, scrollBox, section } from "./parts.ts";

type Matrix = readonly (readonly number[])[];

/** From so many classes on the matrix takes the whole width, in smaller cells. */
const MANY = 15;
/** Names longer than this are written upwards over their column. */
const SHORT_NAME = 4;
/** Shares of a row up to which a mistake has shade 1, 2 ... ; beyond the last it has the strongest. Fixed, so that reports compare. */
const MISTAKE_SHADES = [0.005, 0.01, 0.025, 0.05, 0.15];

/** The confusion matrix, the most frequent mistakes, and figures by class. */
export function confusion({ confusion: matrix, dataset }: Report): Markup | undefined {
  if (!matrix || matrix.length === 0) return undefined;
  const table = markup`<div class="panel">${scrollBox("Confusion matrix", matrixTable(matrix, dataset))}${legend()}</div>`;
  const mistakes = markup`<div class="panel"><h3>Most frequent mistakes</h3>${mistakeList(matrix, dataset)}</div>`;
  return markup`${section(
    "confusion",
    "Confusion matrix",
    markup`<p class="lead">Test images by their class (rows) and the model’s prediction (columns). Outlined on the diagonal: correct ones.</p>
${matrix.length < MANY ? markup`<div class="split uneven">${table}${mistakes}</div>` : markup`<div class="split wide">${table}${mistakes}</div>`}`,
  )}${section(
    "classes",
    "Figures by class",
    markup`<p class="lead">Precision: of the images given this class, the share that are of it. Recall: of the images of this class, the share given it. F1: their harmonic mean. A dash: nothing to take a share of.</p>
<div class="panel">${scrollBox("Figures by class", classTable(matrix, dataset))}</div>`,
  )}`;
}

function matrixTable(matrix: Matrix, dataset: ReportDataset): Markup {
  const names = matrix.map((_, id) => className(dataset, id));
  const turned = names.some((name) => [...name].length > SHORT_NAME);
  return markup`<table class="matrix${matrix.length >= MANY && " many"}">
<caption>Test images by class (rows) and prediction (columns)</caption>
<thead>
<tr><th class="corner" rowspan="2" scope="col">truth</th><th colspan="${matrix.length}" scope="colgroup">predicted</th></tr>
<tr>${names.map((name) => markup`<th scope="col"${turned && markup` class="turned"`} title="${name}"><span>${name}</span></th>`)}</tr>
</thead>
<tbody>${matrix.map(
    (row, truth) => markup`
<tr><th scope="row" title="${names[truth]}"><span>${names[truth]}</span></th>${cells(row, truth, names)}</tr>`,
  )}
</tbody>
</table>`;
}

function cells(row: readonly number[], truth: number, names: readonly string[]): Markup[] {
  const support = row.reduce((sum, n) => sum + n, 0);
  return row.map((n, prediction) => {
    const share = support > 0 ? n / support : 0;
    const right = truth === prediction;
    const shade =
      n === 0 ? "zero" : `${right ? "right" : "wrong"}${right ? rightShade(share) : wrongShade(share)}`;
    const title = `${names[truth]} predicted as ${names[prediction]}: ${count(n)} (${percent(share)})`;
    return markup`<td class="${shade}${right && " diagonal"}"${n > 0 && markup` title="${title}"`}>${n < 10_000 ? n : count(n)}</td>`;
  });
}

function rightShade(share: number): number {
  return Math.max(1, Math.ceil(6 * share));
}

function wrongShade(share: number): number {
  const beyond = MISTAKE_SHADES.findIndex((limit) => share < limit);
  return 1 + (beyond < 0 ? MISTAKE_SHADES.length : beyond);
}

function legend(): Markup {
  const swatches = (kind: string) =>
    [1, 2, 3, 4, 5, 6].map((shade) => markup`<i class="${kind}${shade}"></i>`);
  return markup`<ul class="legend">
<li>correct, 0 to 100&nbsp;% of the row ${swatches("right")}</li>
<li>wrong, under 0.5&nbsp;% to over 15&nbsp;% ${swatches("wrong")}</li>
</ul>`;
}

/** @param one what is counted */
export function mistakeList(matrix: Matrix, dataset: ReportDataset, one = "test image"): Markup {
  const mistakes = topMistakes(matrix, 10);
  if (mistakes.length === 0) return markup`<p class="lead">None: every ${one} was predicted correctly.</p>`;
  return markup`<ol class="mistakes">${mistakes.map(
    ({ truth, prediction, count: n, share }) => markup`
<li><span><bdi>${className(dataset, truth)}</bdi> taken for <bdi>${className(dataset, prediction)}</bdi></span><span>${count(n)} (${percent(share)})</span></li>`,
  )}
</ol>`;
}

function classTable(matrix: Matrix, dataset: ReportDataset): Markup {
  const { classes, macro } = classReport(matrix);
  const numbers = ({ precision, recall, f1, support }: ClassFigures) =>
    numberCells([fixed(precision), fixed(recall), fixed(f1), count(support)]);
  const worst = (id: number) => {
    const [mistake] = topMistakes(
      matrix.map((row, truth) => (truth === id ? row : [])),
      1,
    );
    return mistake
      ? markup`<bdi>${className(dataset, mistake.prediction)}</bdi> (${count(mistake.count)})`
      : NONE;
  };
  return markup`<table>
<caption>Figures of each class on the test set</caption>
${headRow(["Class", "Precision", "Recall", "F1", "Images"], ["Most often taken for"])}
<tbody>${classes.map(
    (figures, id) => markup`
<tr><th scope="row" class="name">${className(dataset, id)}</th>${numbers(figures)}<td class="apart">${worst(id)}</td></tr>`,
  )}
</tbody>
<tfoot><tr><th scope="row">Mean, and all images</th>${numbers(macro)}<td></td></tr></tfoot>
</table>`;
}
