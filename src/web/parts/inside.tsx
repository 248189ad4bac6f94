import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { LayerActivation } from "../../train/sequential.ts";
import { LAYER_TYPES } from "../state/layers.ts";
import { activations, chosenImage } from "../state/look.ts";
import { subject } from "../state/subject.ts";
import { testImages, testResult } from "../state/test.ts";
import { Button } from "../ui/controls.tsx";
import { count, dimensions } from "../ui/format.ts";
import { Empty, Panel } from "../ui/panel.tsx";
import { imageAt, Pixels } from "../ui/pixels.tsx";
import { Probabilities } from "../ui/probabilities.tsx";

/** What the chosen image does in each layer. */
export function Inside() {
  const current = subject.value!;
  const set = testImages(current);
  const index = Math.min(chosenImage.value ?? 0, (set?.count ?? 1) - 1);
  const layers = activations.value;
  if (!set) return null;
  const truth = set.labels[index]!;
  const another = () => {
    chosenImage.value = Math.floor(Math.random() * set.count);
  };
  return (
    <Panel
      id="inside"
      heading="Through the layers"
      lead="What one test image does in each layer: bright is strong. Choose an image in a gallery above, or take another one."
      aside={
        <Button id="another-image" icon="restart" onClick={another}>
          Another image
        </Button>
      }
    >
      <div class="inside">
        <div class="inside-layer">
          <p class="layer-name">
            <b>Test image {index}</b>
            <small>{`of class ${current.classNames[truth]}`}</small>
          </p>
          <div class="maps single">
            <Pixels pixels={imageAt(set, index)} shape={set.shape} label={`Test image ${index}`} />
          </div>
        </div>
        {layers ? (
          layers.map((layer, i) =>
            i === layers.length - 1 && testResult.value ? (
              <div class="inside-layer" key={layer.name}>
                <LayerName layer={layer} />
                <Probabilities outputs={layer.data} names={current.classNames} truth={truth} />
              </div>
            ) : (
              <LayerMaps key={`${layer.name} ${layer.shape}`} layer={layer} />
            ),
          )
        ) : (
          <Empty>Computing</Empty>
        )}
      </div>
    </Panel>
  );
}

function LayerName({ layer: { name, type, shape } }: { layer: LayerActivation }) {
  return (
    <p class="layer-name">
      <b>{LAYER_TYPES[type]?.label ?? type}</b>
      <small>
        {name}, {dimensions(shape)}
      </small>
    </p>
  );
}

/** Maps shown of a layer at first. */
const FIRST = 32;
/** Numbers of a flat layer in a row. */
const ROW = 32;

function LayerMaps({ layer }: { layer: LayerActivation }) {
  const shown = useSignal(FIRST);
  const [height = 1, width = 1, channels = 1] = layer.shape;
  const image = layer.shape.length === 3;
  const maps = image ? Math.min(channels, shown.value) : 0;
  const pictures = useMemo(
    () => Array.from({ length: maps }, (_, channel) => heat(layer.data, width * height, channels, channel)),
    [layer.data, maps],
  );
  const flat = useMemo(() => (image ? undefined : strip(layer.data)), [layer.data]);
  return (
    <div class="inside-layer">
      <LayerName layer={layer} />
      {flat ? (
        <div class="maps strip">
          <Pixels
            pixels={flat}
            shape={[flat.length / 4 / Math.min(ROW, layer.data.length), Math.min(ROW, layer.data.length), 4]}
            label={`The ${layer.data.length} numbers of ${layer.name}`}
          />
        </div>
      ) : (
        <div class="maps" role="img" aria-label={`${maps} of ${channels} maps of ${layer.name}`}>
          {pictures.map((pixels, i) => (
            <Pixels key={i} pixels={pixels} shape={[height, width, 1]} />
          ))}
        </div>
      )}
      {image && channels > maps && (
        <Button
          onClick={() => {
            shown.value = channels;
          }}
        >
          {`Show all ${count(channels)} maps`}
        </Button>
      )}
    </div>
  );
}

/** One channel as grey, on a scale from the least to the greatest of the whole layer, 0 included. */
function heat(data: Float32Array, cells: number, channels: number, channel: number): Uint8Array {
  const [low, high] = rangeOf(data);
  return Uint8Array.from({ length: cells }, (_, i) => shade(data[i * channels + channel]!, low, high));
}

/** A flat layer in rows, the rest of the last row clear. */
function strip(data: Float32Array): Uint8Array {
  const [low, high] = rangeOf(data);
  const row = Math.min(ROW, data.length);
  const pixels = new Uint8Array(4 * row * Math.ceil(data.length / row));
  for (let i = 0; i < data.length; i++) {
    pixels.fill(shade(data[i]!, low, high), 4 * i, 4 * i + 3);
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}

const ranges = new WeakMap<Float32Array, [number, number]>();

function rangeOf(data: Float32Array): [number, number] {
  let range = ranges.get(data);
  if (!range) {
    range = [0, 0];
    for (const value of data) {
      if (value < range[0]) range[0] = value;
      if (value > range[1]) range[1] = value;
    }
    ranges.set(data, range);
  }
  return range;
}

function shade(value: number, low: number, high: number): number {
  return high > low ? Math.round((255 * (value - low)) / (high - low)) : 0;
}
