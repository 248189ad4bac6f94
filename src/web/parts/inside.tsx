import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { LayerActivation } from "../../train/compiled-options.ts";
import { LAYER_TYPES } from "../state/layers.ts";
import { activations, chosenImage } from "../state/look.ts";
import { subject } from "../state/subject.ts";
import { testImages, testResult } from "../state/test.ts";
import { mapAtlas, rowAtlas } from "../ui/atlas.ts";
import { Button } from "../ui/controls.tsx";
import { count, dimensions } from "../ui/format.ts";
import { matches } from "../ui/media.ts";
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
const wide = matches("(min-width: 720px)");

function LayerMaps({ layer }: { layer: LayerActivation }) {
  const shown = useSignal(FIRST);
  const columns = wide.value ? 16 : 8;
  const image = layer.shape.length === 3;
  const channels = image ? layer.shape[2]! : 0;
  const maps = Math.min(channels, shown.value);
  const atlas = useMemo(
    () => (image ? mapAtlas(layer.data, layer.shape, maps, Math.min(columns, maps)) : rowAtlas(layer.data)),
    [layer.data, maps, columns],
  );
  return (
    <div class="inside-layer">
      <LayerName layer={layer} />
      <div class={`maps${image ? "" : " strip"}`}>
        <Pixels
          pixels={atlas.pixels}
          shape={atlas.shape}
          label={
            image
              ? `${maps} of ${channels} maps of ${layer.name}`
              : `The ${layer.data.length} numbers of ${layer.name}`
          }
        />
      </div>
      {channels > maps && (
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
