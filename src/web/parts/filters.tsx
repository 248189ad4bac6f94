import { useMemo } from "preact/hooks";
import { filterPictures } from "../../report/filters.ts";
import { built } from "../state/setup.ts";
import { subject, trained, weights } from "../state/subject.ts";
import { significant } from "../ui/format.ts";
import { Empty, Panel } from "../ui/panel.tsx";
import { Pixels } from "../ui/pixels.tsx";

/** More filters than this are not shown. */
const MOST = 64;

/** The kernels of the first convolution, as they are now; before training, room for them. */
export function Filters() {
  const kernel = firstKernel();
  const data = kernel?.data;
  const pictures = useMemo(
    () =>
      kernel && data ? filterPictures({ layer: kernel.layer, values: data, shape: kernel.shape }, MOST) : [],
    [data],
  );
  if (!kernel)
    return (
      <Panel id="filters" heading="First-layer filters" lead="What the first convolution looks for.">
        <Empty>This model has no convolution.</Empty>
      </Panel>
    );
  const [height, width, channels, total] = kernel.shape as [number, number, number, number];
  const shown = Math.min(total, MOST);
  return (
    <Panel
      id="filters"
      heading="First-layer filters"
      lead={`What it looks for: ${shown < total ? `the first ${shown} of ${total}` : `the ${total}`} filters of ${kernel.layer}, ${height} × ${width}, each on its own scale; ${channels === 3 ? "the three channels as colours" : "blue is negative, red positive"}.`}
    >
      <ul class="filters">
        {Array.from({ length: shown }, (_, i) => {
          const picture = pictures[i];
          return (
            <li key={i}>
              {picture ? (
                <Pixels
                  pixels={picture.raster.data}
                  shape={[picture.raster.height, picture.raster.width, 3]}
                  label={`Filter ${i + 1}: ${significant(picture.low)} to ${significant(picture.high)}`}
                />
              ) : (
                <span class="pixels blank" />
              )}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function firstKernel() {
  const current = trained.value ? subject.value : undefined;
  const model = current?.trainer.model ?? built.value.model;
  const op = model?.graph.ops.find(({ kind }) => kind === "conv2d");
  if (!op) return undefined;
  const { name, shape } = op.parameters[0]!;
  return {
    layer: op.layer,
    shape,
    data: current && weights.value?.find((tensor) => tensor.name === name)?.data,
  };
}
