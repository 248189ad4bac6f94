import { useSignal } from "@preact/signals";
import { chainNames, MODELS } from "../../model/models.ts";
import { LAYER_GROUPS, LAYER_TYPES, layerText, variesPictures } from "../state/layers.ts";
import { rowsBefore } from "../state/model.ts";
import { CUSTOM } from "../state/settings.ts";
import { built, change, dataShape, editLayers, layers, settings } from "../state/setup.ts";
import { Button, Select } from "../ui/controls.tsx";
import { count, dimensions } from "../ui/format.ts";
import { Fold } from "../ui/panel.tsx";
import { LayerEditor } from "./layer-editor.tsx";

const CHOICES: [string, string][] = chainNames().map((name) => [
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
        onChange={(chosen) => change(chosen === CUSTOM ? {} : { model: chosen, layers: [] })}
      />
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

/** The layers with shapes and parameters, one of them open to be edited. */
function LayerTable() {
  const open = useSignal<number | undefined>(undefined);
  const own = layers.value;
  const { inputShape } = dataShape.value;
  const { model, problem } = built.value;
  const faulty = problem ? built.value.layer : undefined;
  const rows = model?.rows ?? rowsBefore(own.slice(0, faulty ?? own.length), inputShape);
  const add = (type: string) => {
    // Before the output layer, where there is one.
    const last = own.at(-1)?.type === "dense" ? own.length - 1 : own.length;
    const at = variesPictures(type) ? 0 : last;
    editLayers((list) => list.toSpliced(at, 0, LAYER_TYPES[type]!.start));
    open.value = at;
  };
  return (
    <div class="layers-box">
      <table class="layers" id="layers">
        <caption class="visually-hidden">Layers of the model</caption>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col" class="number">
              Output
            </th>
            <th scope="col" class="number">
              Parameters
            </th>
            <th scope="col">
              <span class="visually-hidden">Edit</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {own.map((layer, i) => {
            const row = rows[i];
            const editing = open.value === i;
            return [
              <tr key={`row ${i}`} class={`${faulty === i ? "faulty" : ""}${editing ? " editing" : ""}`}>
                <th scope="row">
                  {LAYER_TYPES[layer.type]?.label ?? layer.type}
                  <small>{layerText(layer)}</small>
                </th>
                <td class="number">{row ? dimensions(row.outputShape) : "–"}</td>
                <td class="number">{row ? count(row.parameters) : "–"}</td>
                <td class="edit">
                  <button
                    type="button"
                    class="button quiet small"
                    aria-expanded={editing}
                    onClick={() => {
                      open.value = editing ? undefined : i;
                    }}
                  >
                    {editing ? "Done" : "Edit"}
                    <span class="visually-hidden">{` layer ${i + 1}, ${LAYER_TYPES[layer.type]?.label ?? layer.type}`}</span>
                  </button>
                </td>
              </tr>,
              editing && (
                <tr key={`editor ${i}`} class="editor">
                  <td colSpan={4}>
                    <LayerEditor index={i} count={own.length} layer={layer} open={open} />
                  </td>
                </tr>
              ),
            ];
          })}
        </tbody>
      </table>
      <AddLayer add={add} />
    </div>
  );
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
