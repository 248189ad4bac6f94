import { count, counted, fixed, percent, significant } from "../format.ts";
import { answerPictures, cssColour } from "../image-pictures.ts";
import { type Markup, markup } from "../markup.ts";
import { classReport, intersectionsOverUnions } from "../metrics.ts";
import { imageRaster, pngDataUri, type Raster } from "../png.ts";
import type { Report, ReportDataset, ReportImages, ReportTestedImage } from "../types.ts";
import { mistakeList } from "./confusion.ts";
import { className, headRow, numberCells, scrollBox, section } from "./parts.ts";

/** Of answers that are no pictures so many numbers are shown. */
const NUMBERS = 6;

/** Of a model whose outputs are images: figures by class of pixels, and what it made of test images. */
export function images({ images: tested, dataset }: Report): Markup | undefined {
  if (!tested) return undefined;
  const { kind, by, best, worst } = tested;
  const lead =
    kind === "masks"
      ? `Each row: the image, its mask, the model’s, and the pixels that differ in red. Ranked by the mean ${by} of their pixels.`
      : `Each row: what the model was given, what it was to give, what it gave, and how far that is off. Ranked by their ${by}.`;
  return markup`${tested.pixels && classes(tested.pixels, dataset)}${section(
    "images",
    "Test images",
    markup`<p class="lead">${lead}</p>
<div class="split">
<div class="panel"><h3>Best</h3>${rows(best, tested, dataset)}</div>
<div class="panel"><h3>Worst</h3>${rows(worst, tested, dataset)}</div>
</div>
${kind === "masks" && legend(dataset)}`,
  )}`;
}

function legend({ classNames }: ReportDataset): Markup {
  return markup`<ul class="legend">${classNames.map(
    (name, id) => markup`<li>${swatch(id)}<bdi>${name}</bdi></li>`,
  )}</ul>`;
}

const swatch = (id: number) => markup`<i style="background:${cssColour(id)}"></i>`;

function classes(pixels: readonly (readonly number[])[], dataset: ReportDataset): Markup {
  const ious = intersectionsOverUnions(pixels);
  const figures = classReport(pixels);
  const known = ious.filter((iou) => iou !== null);
  const mean = known.reduce((sum, iou) => sum + iou, 0) / known.length;
  const row = (iou: number | null, { precision, recall, support }: (typeof figures.classes)[number]) => [
    markup`<td class="meter">${iou !== null && markup`<span class="bar" aria-hidden="true"><i style="width:${(100 * iou).toFixed(1)}%"></i></span>`}</td>`,
    ...numberCells([fixed(iou), fixed(precision), fixed(recall), count(support)]),
  ];
  return section(
    "classes",
    "Classes of pixels",
    markup`<p class="lead">IoU: of the pixels that are of a class or were given it, the share that are both. Precision: of the pixels given a class, the share that are of it. Recall: of its pixels, the share given it. A dash: nothing to take a share of.</p>
<div class="split uneven">
<div class="panel">${scrollBox(
      "Figures by class",
      markup`<table>
<caption>Figures of each class of pixels on the test set</caption>
${headRow(["Class", "", "IoU", "Precision", "Recall", "Pixels"])}
<tbody>${ious.map(
        (iou, id) => markup`
<tr><th scope="row" class="name swatched">${swatch(id)}${className(dataset, id)}</th>${row(iou, figures.classes[id]!)}</tr>`,
      )}
</tbody>
<tfoot><tr><th scope="row">Mean, and all pixels</th>${row(known.length > 0 ? mean : null, figures.macro)}</tr></tfoot>
</table>`,
    )}</div>
<div class="panel"><h3>Most frequent mistakes</h3>${mistakeList(pixels, dataset, "pixel")}</div>
</div>`,
  );
}

function rows(tested: readonly ReportTestedImage[], of: ReportImages, dataset: ReportDataset): Markup {
  if (tested.length === 0) return markup`<p class="lead">None to show.</p>`;
  const last = of.kind === "masks" ? "wrong" : answerPictures(tested[0]!, of) ? "error" : "";
  return markup`<ol class="compared">
<li class="head" aria-hidden="true"><span>input</span><span>target</span><span>output</span><span>${last}</span></li>${tested.map(
    (image) => markup`
<li><div class="four">${picture(imageRaster(image.pixels, dataset.imageShape), `Test image ${image.index}`)}${answers(image, of)}</div><p class="fact">no. ${image.index} · ${significant(image.error)}${note(image, of)}</p></li>`,
  )}
</ol>`;
}

/** Of masks also how many pixels are wrong. */
function note({ target, output }: ReportTestedImage, { kind }: ReportImages): string {
  if (kind !== "masks") return "";
  let wrong = 0;
  for (let at = 0; at < target.length; at++) if (target[at] !== output[at]) wrong++;
  return ` · ${counted(wrong, "wrong pixel")} of ${count(target.length)} (${percent(wrong / target.length)})`;
}

function answers(image: ReportTestedImage, of: ReportImages): Markup {
  const { index } = image;
  const pictures = answerPictures(image, of);
  if (!pictures) return markup`<code>${numbers(image.target)}</code><code>${numbers(image.output)}</code>`;
  const { target, output, error } = pictures;
  return markup`${picture(target, `What it was to give for image ${index}`)}${picture(output, `What it gave for image ${index}`)}${picture(error, `Where that is off for image ${index}`)}`;
}

function picture(raster: Raster | undefined, alt: string): Markup | undefined {
  return (
    raster &&
    markup`<img class="crisp" src="${pngDataUri(raster)}" width="${raster.width}" height="${raster.height}" alt="${alt}">`
  );
}

function numbers(values: ArrayLike<number>): string {
  const shown = Array.from({ length: Math.min(values.length, NUMBERS) }, (_, i) => significant(values[i]!));
  return `${shown.join(", ")}${values.length > NUMBERS ? " …" : ""}`;
}
