import type { Shape } from "../../compiler/graph.ts";
import { detours, isChain } from "../state/branches.ts";
import { dataset } from "../state/dataset.ts";
import { layerInWords } from "../state/layer-words.ts";
import { built, dataShape, layers, settings } from "../state/setup.ts";
import { count, dimensions } from "../ui/format.ts";
import { Panel } from "../ui/panel.tsx";
import { imageAt, Pixels } from "../ui/pixels.tsx";
import { Rail } from "./rail.tsx";

/** Stages in a row, where there is room, and where there is less. */
const [MOST, FEWER] = [8, 6];

/** The model in pictures: what an image becomes in each layer, and why. */
export function Diagram() {
  const { model, problem } = built.value;
  const { inputShape, classNames } = dataShape.value;
  const at = dataset.value?.name === settings.value.dataset ? dataset.value.set.train : undefined;
  const [height = 1] = inputShape;
  // Rows of one length, so that no last one stands alone.
  const own = layers.value;
  const rows = model?.rows.filter(({ type }) => type !== "input") ?? [];
  const lines = detours(own);
  const branched = !isChain(own);
  const rail = (number: number) =>
    branched && <Rail layers={own} lines={lines} number={number} across={true} />;
  const stages = 1 + rows.length;
  const inRow = (most: number) => Math.ceil(stages / Math.ceil(stages / most));
  return (
    <Panel
      id="diagram"
      heading="From image to answer"
      lead={
        problem
          ? "The model does not fit yet: its layers say why."
          : `Training turns ${count(model!.countParams())} small numbers in these layers until the answers are right.`
      }
    >
      <ol class="diagram" style={{ "--columns": inRow(MOST), "--fewer": inRow(FEWER) }}>
        <li>
          {model && rail(0)}
          <div class="diagram-picture">
            <div class="diagram-image">
              {at ? (
                <Pixels pixels={imageAt(at, 0)} shape={at.shape} label="One of the training images" />
              ) : (
                <span class="pixels blank" />
              )}
            </div>
          </div>
          <b>Image</b>
          <small>{dimensions(inputShape)}</small>
        </li>
        {rows.map((row, i) => (
          <li key={`${i} ${row.name}`}>
            {rail(i + 1)}
            <div class="diagram-picture">
              <Volume shape={row.outputShape} height={height} />
            </div>
            <b>
              {branched && `${i + 1}. `}
              {layerInWords(own[i]!, i === rows.length - 1, classNames.length)}
            </b>
            <small>{dimensions(row.outputShape)}</small>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

/** Side of the drawing, in pixels. */
const SIDE = 64;
/** Sheets drawn of a stack of maps, at most, and pixels between them. */
const SHEETS = 5;
const STEP = 4;
const DOTS = 10;

/** Maps as sheets, as many of a stack as there is room for, and as large as they are; flat numbers as a row of dots. */
function Volume({ shape, height }: { shape: Shape; height: number }) {
  if (shape.length === 1) {
    const dots = Math.min(shape[0]!, DOTS);
    return (
      <svg viewBox={`0 0 ${SIDE} ${SIDE}`} aria-hidden="true">
        {Array.from({ length: dots }, (_, i) => (
          <circle key={i} cx={SIDE / 2} cy={(SIDE * (i + 0.5)) / dots} r={2.4} class="diagram-dot" />
        ))}
      </svg>
    );
  }
  const [rows = 1, , channels = 1] = shape;
  const sheets = Math.min(SHEETS, channels);
  const room = SIDE - STEP * (SHEETS - 1) - 2;
  const side = Math.max(5, Math.min(1, rows / height) * room);
  const all = side + STEP * (sheets - 1);
  const from = (SIDE - all) / 2;
  return (
    <svg viewBox={`0 0 ${SIDE} ${SIDE}`} aria-hidden="true">
      {Array.from({ length: sheets }, (_, i) => (
        <rect
          key={i}
          x={from + STEP * (sheets - 1 - i)}
          y={from + STEP * (sheets - 1 - i)}
          width={side}
          height={side}
          rx={2}
          class="diagram-sheet"
        />
      ))}
    </svg>
  );
}
