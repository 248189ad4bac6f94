import { count, percent } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import { imageRaster, pngDataUri } from "../png.ts";
import type { GalleryItem, Report, ReportDataset } from "../types.ts";
import { className, section } from "./parts.ts";

/** Correct and wrong predictions with their images; items whose pixels do not make an image are shown without one. */
export function gallery({ gallery: items, dataset }: Report): Markup | undefined {
  if (!items) return undefined;
  const { correct, wrong, wrongCount = wrong.length } = items;
  const shown =
    wrong.length < wrongCount ? `${count(wrong.length)} of ${count(wrongCount)}` : `All ${count(wrongCount)}`;
  return markup`${section(
    "correct",
    "Correct predictions",
    correct.length === 0
      ? markup`<p class="lead">None to show.</p>`
      : markup`<p class="lead">A spread over the classes, each with the probability of the predicted class.</p>
<div class="panel">${grid(correct, dataset, "correct")}</div>`,
  )}${section(
    "wrong",
    "Wrong predictions",
    wrong.length === 0
      ? markup`<p class="lead">${wrongCount === 0 ? "None: every test image was predicted correctly." : "None to show."}</p>`
      : markup`<p class="lead">${shown}, the most confident first.</p>
<div class="panel">${grid(wrong, dataset, "wrong")}</div>`,
  )}`;
}

function grid(items: readonly GalleryItem[], dataset: ReportDataset, kind: "correct" | "wrong"): Markup {
  return markup`<ul class="gallery" role="list">${items.map(
    (item) => markup`
<li class="${kind}"><figure>${picture(item, dataset)}<span class="bar" aria-hidden="true"><i style="width:${width(item.probability)}%"></i></span><figcaption>${caption(item, dataset, kind)}</figcaption></figure></li>`,
  )}
</ul>`;
}

function picture({ pixels, shape, index, truth }: GalleryItem, dataset: ReportDataset): Markup | undefined {
  const raster = imageRaster(pixels, shape);
  return (
    raster &&
    markup`<img class="crisp" src="${pngDataUri(raster)}" width="${raster.width}" height="${raster.height}" alt="Test image ${index}, of class ${className(dataset, truth)}">`
  );
}

function caption(
  { truth, prediction, probability, index }: GalleryItem,
  dataset: ReportDataset,
  kind: "correct" | "wrong",
): Markup {
  const facts = markup`<span class="fact">${percent(probability)}</span><span class="fact">no. ${index}</span>`;
  const predicted = className(dataset, prediction);
  const answer = markup`<b><bdi>${predicted}</bdi></b>`;
  if (kind === "correct") return markup`<span title="${predicted}">${answer}</span>${facts}`;
  const name = className(dataset, truth);
  return markup`<span title="${predicted}">predicted ${answer}</span><span class="fact" title="${name}">truth <bdi>${name}</bdi></span>${facts}`;
}

function width(probability: number): string {
  return (100 * Math.min(1, Math.max(0, probability || 0))).toFixed(1);
}
