import { count, counted, dimensions } from "./format.ts";
import { Markup, markup } from "./markup.ts";
import { htmlPage } from "./page.ts";
import { imageRaster, pngDataUri, type Raster } from "./png.ts";
import { headRow, numberCells, scrollBox, section } from "./sections/parts.ts";

/** A picture of a sheet, and what it is called for those who cannot see it. */
export interface SheetPicture {
  /** Bytes, NHWC. */
  readonly pixels: Uint8Array;
  readonly label: string;
}

export interface SheetClass {
  readonly name: string;
  /** Images that are trained on, for validation, and for the test. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  readonly pictures: readonly SheetPicture[];
}

/** What a dataset looks like, and what training makes of its pictures. */
export interface DatasetSheet {
  readonly name: string;
  /** Of one image, [height, width, channels]. */
  readonly shape: readonly number[];
  readonly classes: readonly SheetClass[];
  /** What training sees: an original in front, then a picture an epoch. */
  readonly seen?:
    | {
        /** The model, and its layers that vary pictures. */
        readonly model: string;
        readonly layers: readonly string[];
        readonly seed: number;
        /** Whether pictures are mixed with each other. */
        readonly mixes: boolean;
        readonly shape: readonly number[];
        readonly rows: readonly {
          readonly name: string;
          readonly original: SheetPicture;
          readonly versions: readonly SheetPicture[];
        }[];
      }
    | undefined;
}

const STYLE = new Markup(`
.sheet{display:grid;grid-template-columns:minmax(5rem,9rem) minmax(0,1fr);gap:8px 16px;align-items:center}
.sheet h3{margin:0;overflow-wrap:anywhere}.sheet h3 small{display:block;color:var(--muted);font-weight:400;font-size:.85em}
.sheet ul{display:flex;flex-wrap:wrap;gap:6px;margin:0;padding:0;list-style:none}
.sheet img{display:block;width:64px;height:auto;border-radius:4px;background:var(--track)}
.sheet .original{padding-right:10px;margin-right:4px;border-right:2px solid var(--edge)}
.share{display:block;height:8px;border-radius:2px;background:var(--accent);min-width:1px}
.bars td:last-child{width:45%;vertical-align:middle}
@media (max-width:479px){.sheet{grid-template-columns:minmax(0,1fr)}.sheet img{width:52px}}`);

/** The sheet as one HTML file: no script, nothing fetched, pictures inside. For light and dark screens of any width, and paper. */
export function datasetHtml(sheet: DatasetSheet): string {
  const { name, shape, classes, seen } = sheet;
  const total = (part: "train" | "validation" | "test") => classes.reduce((sum, one) => sum + one[part], 0);
  const validation = total("validation");
  const title = `${name}: ${counted(classes.length, "class", "classes")} of pictures`;
  return htmlPage(
    title,
    markup`<header>
<p class="eyebrow">Dataset</p>
<h1>${name}</h1>
<p class="sub">${counted(total("train"), "training image")}, ${validation > 0 && `${count(validation)} for validation, `}${count(total("test"))} for the test, of ${dimensions(shape)}, in ${counted(classes.length, "class", "classes")}.</p>
</header>
<main>
${section("classes", "Classes", markup`<div class="panel">${table(classes, validation > 0)}</div>`)}
${section(
  "pictures",
  "Pictures",
  markup`<p class="lead">Some of each class, evenly spread over the images that are trained on.</p>
<div class="panel sheet">${classes.map(
    (one) => markup`
<h3>${one.name}<small>${count(one.train)}</small></h3>
<ul role="list">${one.pictures.map((picture) => markup`<li>${image(picture, shape)}</li>`)}</ul>`,
  )}
</div>`,
)}
${seen && seenSection(seen, shape)}
</main>`,
    STYLE,
  );
}

function seenSection(seen: NonNullable<DatasetSheet["seen"]>, shape: readonly number[]): Markup {
  const { model, layers, seed, mixes, rows, shape: now } = seen;
  const epochs = rows[0]?.versions.length ?? 0;
  return section(
    "seen",
    "As training sees them",
    markup`<p class="lead">What ${layers.join(", ")} of ${model} ${layers.length === 1 ? "makes" : "make"} of a picture in the first ${counted(epochs, "epoch")} with seed ${seed}: in front the picture itself, then what each epoch sees, pixel by pixel.${mixes && " Pictures are mixed with others of their batch."}${now.join() !== shape.join() && ` They become ${dimensions(now)}.`}</p>
<div class="panel sheet">${rows.map(
      ({ name, original, versions }) => markup`
<h3>${name}</h3>
<ul role="list"><li class="original">${image(original, shape)}</li>${versions.map((picture) => markup`<li>${image(picture, now)}</li>`)}</ul>`,
    )}
</div>`,
  );
}

function table(classes: readonly SheetClass[], validated: boolean): Markup {
  const most = Math.max(1, ...classes.map(({ train }) => train));
  const numbers = ["Training", ...(validated ? ["Validation"] : []), "Test"];
  return scrollBox(
    "Images of each class",
    markup`<table class="bars"><caption>Images of each class</caption>${headRow(["Class", ...numbers], ["Share of the largest"])}<tbody>${classes.map(
      ({ name, train, validation, test }) =>
        markup`<tr><th scope="row" class="name">${name}</th>${numberCells([count(train), ...(validated ? [count(validation)] : []), count(test)])}<td class="apart"><span class="share" style="width:${((100 * train) / most).toFixed(1)}%"></span></td></tr>`,
    )}</tbody></table>`,
  );
}

function image({ pixels, label }: SheetPicture, shape: readonly number[]): Markup | undefined {
  const raster = imageRaster(pixels, shape);
  return (
    raster &&
    markup`<img class="crisp" src="${pngDataUri(raster)}" width="${raster.width}" height="${raster.height}" alt="${label}" title="${label}">`
  );
}

/** Pixels between pictures, and between the two parts. */
const GAP = 2;
/** Pixels of the shorter side that a picture is to have at least, where it is smaller: each of its own becomes a square. */
const LEAST_SIDE = 56;
const BACKGROUND = 128;

/** The sheet as one picture: a row for each class in their order, below it one for each picture that training varies. */
export function datasetRaster({ shape, classes, seen }: DatasetSheet): Raster {
  const rowOf = (pictures: readonly SheetPicture[], of: readonly number[]) =>
    pictures.flatMap(({ pixels }) => imageRaster(pixels, of) ?? []);
  const rows = [
    ...classes.map(({ pictures }) => rowOf(pictures, shape)),
    ...(seen?.rows.map(({ original, versions }) => [
      ...rowOf([original], shape),
      ...rowOf(versions, seen.shape),
    ]) ?? []),
  ].filter((row) => row.length > 0);
  const all = rows.flat();
  const channels = all.some((raster) => raster.channels > 1) ? 3 : 1;
  const scale = Math.max(
    1,
    Math.ceil(LEAST_SIDE / Math.max(1, ...all.map((raster) => Math.min(raster.width, raster.height)))),
  );
  const heights = rows.map((row) => scale * Math.max(...row.map((raster) => raster.height)));
  const widths = rows.map((row) => row.reduce((sum, raster) => sum + scale * raster.width + GAP, GAP));
  const width = Math.max(GAP, ...widths);
  const height = heights.reduce((sum, own) => sum + own + GAP, GAP);
  const data = new Uint8Array(width * height * channels).fill(BACKGROUND);
  let top = GAP;
  for (const [i, row] of rows.entries()) {
    let left = GAP;
    for (const raster of row) {
      for (let y = 0; y < scale * raster.height; y++)
        for (let x = 0; x < scale * raster.width; x++) {
          const from = (Math.floor(y / scale) * raster.width + Math.floor(x / scale)) * raster.channels;
          const to = ((top + y) * width + left + x) * channels;
          for (let c = 0; c < channels; c++)
            data[to + c] = raster.data[from + Math.min(c, raster.channels - 1)]!;
        }
      left += scale * raster.width + GAP;
    }
    top += heights[i]! + GAP;
  }
  return { width, height, channels, data };
}
