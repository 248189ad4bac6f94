import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Shape } from "../../compiler/graph.ts";
import { MODELS } from "../../model/models.ts";
import { detours, IMAGE, insertLayer, isChain, mergesInputs, placeToVary } from "../state/branches.ts";
import {
  LAYER_GROUPS,
  LAYER_TYPES,
  type LayerSpec,
  layerText,
  takesImages,
  variesPictures,
} from "../state/layers.ts";
import { rowsBefore } from "../state/model.ts";
import { dismiss } from "../state/notices.ts";
import { CUSTOM } from "../state/settings.ts";
import { built, change, dataShape, editLayers, layers, settings } from "../state/setup.ts";
import { Button, Select } from "../ui/controls.tsx";
import { count, dimensions } from "../ui/format.ts";
import { Fold } from "../ui/panel.tsx";
import { LayerEditor } from "./layer-editor.tsx";
import { Rail, railSize } from "./rail.tsx";
import { VaryPictures } from "./vary-pictures.tsx";

const CHOICES: [string, string][] = Object.keys(MODELS).map((name) => [
  name,
  `${name}: ${MODELS[name]!.description.split(/[:(]/)[0]!.trim()}`,
]);

export function ModelPanel() {
  const { model: name } = settings.value;
  const { model, problem } = built.value;
  return (
    <Fold
      id="model"
      heading="Model"
      summary={`${name === CUSTOM ? "your own layers" : name}${model ? `, ${count(model.countParams())} parameters` : ""}`}
    >
      <Select
        label="Architecture"
        name="model"
        value={name}
        choices={name === CUSTOM ? [...CHOICES, [CUSTOM, "your own layers"]] : CHOICES}
        onChange={(chosen) => {
          dismiss("branches");
          change(chosen === CUSTOM ? {} : { model: chosen, layers: [] });
        }}
      />
      <VaryPictures />
      <LayerTable />
      <p class={`verdict${problem ? " wrong" : ""}`} id="model-verdict" aria-live="polite">
        {problem ?? (
          <>
            {`Total: `}
            <b>{`${count(model!.countParams())} parameters`}</b>
          </>
        )}
      </p>
    </Fold>
  );
}

/** Layers of a model whose table would be too long to pass by. */
const MANY = 16;

/** The layers with shapes and parameters, one of them open to be edited; of branches with a drawing of what leads where. */
function LayerTable() {
  const open = useSignal<number | undefined>(undefined);
  // Who edits layers wants to see them; who chose a large model need not.
  const { model: name } = settings.value;
  const [fold, setFold] = useState({ of: "", open: false });
  const unfolded = fold.of === name ? fold.open : name === CUSTOM;
  const own = layers.value;
  const { inputShape } = dataShape.value;
  const { model, problem } = built.value;
  const faulty = problem ? built.value.layer : undefined;
  const rows = model?.rows.filter(({ type }) => type !== "input") ?? rowsBefore(own, inputShape);
  const shapes = [inputShape, ...own.map((_, i) => rows[i]?.outputShape)];
  const lines = detours(own);
  const branched = !isChain(own);
  const rail = (number: number, behind = false) =>
    branched && (
      <td class="rail-cell">
        <Rail layers={own} lines={lines} number={number} behind={behind} />
      </td>
    );
  const add = (type: string) => {
    const at = placeFor(type, own, shapes);
    const options = { others: partnersFor(type, at, shapes), forAll: variesPictures(type) };
    editLayers((list) => insertLayer(list, at, LAYER_TYPES[type]!.start, options));
    open.value = at;
  };
  const table = (
    <table
      class={`layers${branched ? " branched" : ""}`}
      id="layers"
      style={{ "--size": `${railSize(lines)}px` }}
    >
      <caption class="visually-hidden">Layers of the model</caption>
      <thead>
        <tr>
          {branched && <td class="rail-cell" />}
          <th scope="col">Layer</th>
          <th scope="col" class="number">
            Output
          </th>
          <th scope="col" class="number parameters">
            Parameters
          </th>
          <th scope="col">
            <span class="visually-hidden">Edit</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {branched && (
          <tr key="image">
            {rail(0)}
            <th scope="row">Image</th>
            <td class="number">{dimensions(inputShape)}</td>
            <td class="parameters" />
            <td />
          </tr>
        )}
        {own.map((layer, i) => {
          const row = rows[i];
          const editing = open.value === i;
          const label = LAYER_TYPES[layer.type]?.label ?? layer.type;
          return [
            <tr key={`row ${i}`} class={`${faulty === i ? "faulty" : ""}${editing ? " editing" : ""}`}>
              {rail(i + 1)}
              <th scope="row">
                {branched ? `${i + 1}. ${label}` : label}
                <small>
                  {[layerText(layer), layer.from && takenInWords(layer.from)].filter(Boolean).join(", ")}
                </small>
              </th>
              <td class="number">{row ? dimensions(row.outputShape) : "–"}</td>
              <td class="number parameters">{row ? count(row.parameters) : "–"}</td>
              <td class="edit">
                <button
                  type="button"
                  class="button quiet small"
                  data-layer={i}
                  aria-expanded={editing}
                  onClick={() => {
                    open.value = editing ? undefined : i;
                  }}
                >
                  {editing ? "Done" : "Edit"}
                  <span class="visually-hidden">{` layer ${i + 1}, ${label}`}</span>
                </button>
              </td>
            </tr>,
            faulty === i && (
              <tr key={`fault ${i}`} class="fault">
                {rail(i + 1, true)}
                <td colSpan={4}>{problem}</td>
              </tr>
            ),
            editing && (
              <tr key={`editor ${i}`} class="editor">
                {rail(i + 1, true)}
                <td colSpan={4}>
                  <LayerEditor index={i} layers={own} shapes={shapes} open={open} />
                </td>
              </tr>
            ),
          ];
        })}
      </tbody>
    </table>
  );
  return (
    <div class="layers-box">
      {own.length > MANY ? (
        <details
          class="advanced"
          id="all-layers"
          open={unfolded || faulty !== undefined}
          onToggle={(event) => setFold({ of: name, open: event.currentTarget.open })}
        >
          <summary>{`${own.length} layers`}</summary>
          {table}
        </details>
      ) : (
        table
      )}
      <AddLayer add={add} />
    </div>
  );
}

/** "takes 5 and 3". */
function takenInWords(from: readonly number[]): string {
  const names = from.map((number) => (number === IMAGE ? "the image" : String(number)));
  return `takes ${names.length > 1 ? `${names.slice(0, -1).join(", ")} and ` : ""}${names.at(-1)}`;
}

const isImage = (shape: Shape | undefined) => shape?.length === 3;

/** Where a layer is added: before the output layer; where images are needed, behind the last that is one. */
function placeFor(type: string, own: readonly LayerSpec[], shapes: readonly (Shape | undefined)[]): number {
  if (variesPictures(type)) return placeToVary(own);
  const last = own.at(-1)?.type === "dense" ? own.length - 1 : own.length;
  const image = shapes.findLastIndex(isImage);
  return (mergesInputs(type) || takesImages(type)) && image >= 0 ? Math.min(image, last) : last;
}

/** What a layer that merges takes at first, beside the one before it: the nearest of the same shape. */
function partnersFor(type: string, at: number, shapes: readonly (Shape | undefined)[]): number[] {
  if (!mergesInputs(type) || at === 0) return [];
  const same = shapes.slice(0, at).findLastIndex((shape) => shape?.join() === shapes[at]?.join());
  return [same >= 0 ? same : at - 1];
}

function AddLayer({ add }: { add: (type: string) => void }) {
  const type = useSignal("conv2d");
  return (
    <div class="add-layer">
      <Select
        label="Add a layer"
        name="layer-type"
        value={type.value}
        choices={LAYER_GROUPS.map(([group, types]) => [
          group,
          types.map((name) => [name, LAYER_TYPES[name]!.label] as const),
        ])}
        onChange={(chosen) => {
          type.value = chosen;
        }}
      />
      <Button id="add-layer" icon="plus" onClick={() => add(type.value)}>
        Add
      </Button>
    </div>
  );
}
