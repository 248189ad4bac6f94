import { useMemo } from "preact/hooks";
import { filterPictures } from "../../report/filters.ts";
import { subject, weights } from "../state/subject.ts";
import { significant } from "../ui/format.ts";
import { Empty, Panel } from "../ui/panel.tsx";
import { Pixels } from "../ui/pixels.tsx";

/** More filters than this are not shown. */
const MOST = 64;

/** The kernels of the first convolution, as they are now. */
export function Filters() {
  const kernel = firstKernel();
  const pictures = useMemo(
    () =>
      kernel ? filterPictures({ layer: kernel.layer, values: kernel.data, shape: kernel.shape }, MOST) : [],
    [kernel?.data],
  );
  const total = kernel?.shape[3] ?? 0;
  return (
    <Panel
      id="filters"
      heading="First-layer filters"
      lead={
        kernel
          ? `${pictures.length < total ? `The first ${pictures.length} of ${total}` : `The ${total}`} filters of ${kernel.layer}, ${kernel.shape[0]} × ${kernel.shape[1]}, each on its own scale: ${kernel.shape[2] === 3 ? "the three channels as colours" : "blue is negative, red positive"}.`
          : "What the first convolution looks for, seen as it learns."
      }
    >
      {pictures.length > 0 ? (
        <ul class="filters">
          {pictures.map(({ raster, low, high }, i) => (
            <li key={i}>
              <Pixels
                pixels={raster.data}
                shape={[raster.height, raster.width, 3]}
                label={`Filter ${i + 1}: ${significant(low)} to ${significant(high)}`}
              />
            </li>
          ))}
        </ul>
      ) : (
        <Empty>
          {subject.value && weights.value
            ? "This model has no convolution."
            : "They show once training has begun, and change every second."}
        </Empty>
      )}
    </Panel>
  );
}

function firstKernel() {
  const current = subject.value;
  const op = current?.trainer.model.graph.ops.find(({ kind }) => kind === "conv2d");
  const tensor = op && weights.value?.find(({ name }) => name === op.parameters[0]!.name);
  return tensor && { layer: op.layer, data: tensor.data, shape: tensor.shape };
}
