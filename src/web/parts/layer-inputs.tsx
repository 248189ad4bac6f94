import type { Shape } from "../../compiler/graph.ts";
import { calledLayer, IMAGE, mergesInputs, rewireLayer, sourcesOf } from "../state/branches.ts";
import type { LayerSpec } from "../state/layers.ts";
import { editLayers } from "../state/setup.ts";
import { Button, focusSoon, Select } from "../ui/controls.tsx";
import { dimensions } from "../ui/format.ts";

interface Props {
  readonly layers: readonly LayerSpec[];
  readonly index: number;
  /** What each gives, the image first, as far as that is known. */
  readonly shapes: readonly (Shape | undefined)[];
}

/** What a layer takes: of one that merges each input, else the one. */
export function LayerInputs({ layers, index, shapes }: Props) {
  const taken = sourcesOf(layers, index);
  const give = (numbers: readonly number[]) => editLayers((list) => rewireLayer(list, index, numbers));
  const choices = Array.from({ length: index + 1 }, (_, i): [string, string] => {
    const number = index - i;
    const called = calledLayer(layers, number);
    const shape = shapes[number] ? `, ${dimensions(shapes[number])}` : "";
    const before = number === index && number !== IMAGE ? "the layer before: " : "";
    return [String(number), `${before}${called}${shape}`];
  });
  const select = (label: string, i: number) => (
    <Select
      label={label}
      name={`input-${i + 1}`}
      value={String(taken[i])}
      choices={choices}
      onChange={(chosen) => give(taken.with(i, Number(chosen)))}
    />
  );
  if (!mergesInputs(layers[index]!.type)) return select("Takes what this gives", 0);
  const free = choices.map(([number]) => Number(number)).find((number) => !taken.includes(number));
  return (
    <div class="layer-inputs">
      {taken.map((_, i) => (
        <div class="layer-input" key={i}>
          {select(`Input ${i + 1}`, i)}
          <Button
            icon="close"
            iconOnly
            disabled={taken.length < 2}
            onClick={() => {
              give(taken.toSpliced(i, 1));
              focusSoon(".layer-inputs > .button");
            }}
          >
            {`Without input ${i + 1}`}
          </Button>
        </div>
      ))}
      <Button icon="plus" disabled={free === undefined} onClick={() => give([...taken, free!])}>
        Another input
      </Button>
    </div>
  );
}
