import { filterPictures } from "../filters.ts";
import { count, dimensions, significant } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import { pngDataUri } from "../png.ts";
import type { Report } from "../types.ts";
import { scrollBox, section } from "./parts.ts";

/** More filters than this are not shown. */
const MAX_FILTERS = 128;

/** What the first convolution has learned to look for. */
export function filters({ filters: kernel }: Report): Markup | undefined {
  if (!kernel) return undefined;
  const [height, width, inputs, total = 0] = kernel.shape;
  const pictures = filterPictures(kernel, MAX_FILTERS);
  const colours =
    inputs === 3
      ? "Red, green and blue are the weights for the three channels; mid-gray is zero."
      : `Blue weights are negative, red ones positive, white is zero${inputs === 1 ? "" : `; means over the ${inputs} input channels`}.`;
  return section(
    "filters",
    "First-layer filters",
    markup`<p class="lead">${pictures.length < total ? `The first ${pictures.length} of the` : "The"} ${total} filters (${height} × ${width}) of layer <bdi>${kernel.layer}</bdi>, each on its own scale. ${colours}</p>
<div class="panel"><ul class="filters" role="list">${pictures.map(
      ({ raster, low, high }, i) => markup`
<li><img class="crisp" src="${pngDataUri(raster)}" width="${raster.width}" height="${raster.height}" alt="Filter ${i + 1}" title="${`filter ${i + 1}: ${significant(low)} to ${significant(high)}`}"></li>`,
    )}
</ul></div>`,
  );
}

/** The layers, as a model's summary() prints them. */
export function modelTable({ model }: Report): Markup {
  return section(
    "model",
    "Model",
    markup`<p class="lead">Layers of <bdi>${model.name}</bdi>, with the shape of one image’s output.</p>
<div class="panel">${scrollBox(
      "Layers",
      markup`<table>
<caption>Layers of the model</caption>
<thead><tr><th scope="col">Layer (type)</th><th scope="col">Output shape</th><th scope="col" class="number">Parameters</th></tr></thead>
<tbody>${model.layers.map(
        ({ name, type, outputShape, parameters }) => markup`
<tr><th scope="row" class="name">${name} <small>(${type})</small></th><td>${dimensions(outputShape)}</td><td class="number">${count(parameters)}</td></tr>`,
      )}
</tbody>
<tfoot><tr><th scope="row" colspan="2">Total</th><td class="number">${count(model.parameters)}</td></tr></tfoot>
</table>`,
    )}</div>`,
  );
}
