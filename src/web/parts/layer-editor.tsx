import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Shape } from "../../compiler/graph.ts";
import { mergesInputs, removeLayer, swapLayers } from "../state/branches.ts";
import {
  LAYER_TYPES,
  type LayerOption,
  type LayerSpec,
  optionProblem,
  optionText,
  parseOption,
} from "../state/layers.ts";
import { editLayers, rewire } from "../state/setup.ts";
import { Button, Check, NumberInput, Select } from "../ui/controls.tsx";
import { LayerInputs } from "./layer-inputs.tsx";

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
  };
  const inputs = <LayerInputs layers={layers} index={index} shapes={shapes} />;
  const merges = mergesInputs(layer.type);
  const chooses = index > 0 && !merges;
  const shown = (LAYER_TYPES[layer.type]?.options ?? []).filter(({ hidden }) => !hidden);
  const fields = (options: readonly LayerOption[]) =>
    options.length > 0 && (
      <div class="fields">
        {options.map((option) => (
          <OptionField
            key={`${index} ${option.key}`}
            option={option}
            value={layer[option.key]}
            set={(value) => set(option.key, value)}
          />
        ))}
      </div>
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
          {rare.length > 0 && fields(rare)}
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
          }}
        >
          Remove
        </Button>
      </div>
    </div>
  );
}

/** What is open at first only where something in it was changed. */
function Folded({ open, children }: { readonly open: boolean; readonly children: ComponentChildren }) {
  const [unfolded, setUnfolded] = useState(open);
  return (
    <details class="advanced" open={unfolded} onToggle={(event) => setUnfolded(event.currentTarget.open)}>
      <summary>Advanced</summary>
      <div class="advanced-body">{children}</div>
    </details>
  );
}

interface OptionProps {
  readonly option: LayerOption;
  readonly value: unknown;
  /** Undefined: leave the option out, so that it takes its default. */
  readonly set: (value: unknown) => void;
}

function OptionField({ option, value, set }: OptionProps) {
  const { key, label } = option;
  const shown = value ?? option.default;
  const give = (next: unknown) =>
    set(option.default !== undefined && next === option.default ? undefined : next);
  if (option.kind === "flag")
    return <Check label={label} name={key} checked={shown === true} onChange={give} />;
  if (option.kind === "choice")
    return (
      <Select
        label={label}
        name={key}
        value={optionText(shown)}
        choices={[...new Set([...option.choices, optionText(shown)])].map((choice) => [choice, choice])}
        onChange={(text) => give(parseOption(option, text))}
      />
    );
  return (
    <NumberInput
      label={label}
      name={key}
      whole={option.kind === "count"}
      text={optionText(shown)}
      problem={optionProblem(option, value)}
      onText={(text) => give(parseOption(option, text))}
    />
  );
}
