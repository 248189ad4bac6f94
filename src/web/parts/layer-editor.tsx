import type { Signal } from "@preact/signals";
import type { Shape } from "../../compiler/graph.ts";
import { mergesInputs, removeLayer, swapLayers } from "../state/branches.ts";
import { LAYER_TYPES, type LayerOption, type LayerSpec } from "../state/layers.ts";
import { announce } from "../state/notices.ts";
import { editLayers, rewire } from "../state/setup.ts";
import { Button, focusSoon } from "../ui/controls.tsx";
import { LayerInputs } from "./layer-inputs.tsx";
import { Folded, OptionFields } from "./option-fields.tsx";

interface Props {
  readonly index: number;
  readonly layers: readonly LayerSpec[];
  /** What each gives, the image first, as far as that is known. */
  readonly shapes: readonly (Shape | undefined)[];
  /** The layer whose editor is open: it follows a layer that moves. */
  readonly open: Signal<number | undefined>;
}

/** The options of one layer, and its place among the others. */
export function LayerEditor({ index, layers, shapes, open }: Props) {
  const layer = layers[index]!;
  const count = layers.length;
  const set = (key: string, value: unknown) => {
    editLayers((list) => {
      const { [key]: _, ...rest } = list[index]!;
      return list.with(index, (value === undefined ? rest : { ...list[index]!, [key]: value }) as LayerSpec);
    });
  };
  const move = (to: number) => {
    rewire(swapLayers(layers, Math.min(index, to)));
    open.value = to;
    announce(`Layer ${index + 1} is layer ${to + 1} now`);
    focusSoon(
      `.layer-actions .button:nth-child(${to < index ? 1 : 2}):enabled`,
      ".layer-actions .button:enabled",
    );
  };
  const inputs = <LayerInputs layers={layers} index={index} shapes={shapes} />;
  const merges = mergesInputs(layer.type);
  const chooses = index > 0 && !merges;
  const shown = (LAYER_TYPES[layer.type]?.options ?? []).filter(({ hidden }) => !hidden);
  const fields = (options: readonly LayerOption[]) => (
    <OptionFields of={index} options={options} values={layer} set={set} />
  );
  const rare = shown.filter((option) => option.rare);
  return (
    <div class="layer-editor">
      {merges && inputs}
      {fields(shown.filter((option) => !option.rare))}
      {(rare.length > 0 || chooses) && (
        <Folded
          key={index}
          open={rare.some(({ key }) => layer[key] !== undefined) || (chooses && layer.from !== undefined)}
        >
          {fields(rare)}
          {chooses && inputs}
        </Folded>
      )}
      <div class="layer-actions">
        <Button icon="up" iconOnly disabled={index === 0} onClick={() => move(index - 1)}>
          Move up
        </Button>
        <Button icon="down" iconOnly disabled={index === count - 1} onClick={() => move(index + 1)}>
          Move down
        </Button>
        <Button
          icon="close"
          disabled={count === 1}
          onClick={() => {
            open.value = undefined;
            rewire(removeLayer(layers, index));
            announce(`Layer ${index + 1} is removed`);
            focusSoon(`#layers [data-layer="${Math.min(index, count - 2)}"]`);
          }}
        >
          Remove
        </Button>
      </div>
    </div>
  );
}
