import { useSignal } from "@preact/signals";
import type { FormatName } from "../../interchange/options.ts";
import { SAVED_AS, saveModelFile } from "../state/model-file.ts";
import { Button } from "../ui/controls.tsx";

/** Saves the model, as a file of wasmgrad's own or in a format of others. */
export function SaveModel() {
  const format = useSignal<FormatName>("wasmgrad");
  return (
    <span class="save-model">
      <Button id="save-model" icon="save" onClick={() => void saveModelFile(format.value)}>
        Save model
      </Button>
      <select
        id="save-as"
        aria-label="Format to save the model in"
        value={format.value}
        onChange={({ currentTarget }) => {
          format.value = currentTarget.value as FormatName;
        }}
      >
        {SAVED_AS.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </span>
  );
}
