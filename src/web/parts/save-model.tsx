import { useSignal } from "@preact/signals";
import type { FormatName } from "../../interchange/options.ts";
import { SAVED_AS, saveModelFile } from "../state/model-file.ts";
import { Button } from "../ui/controls.tsx";

interface SaveModelProps {
  /** Default: saves the model that is looked at. */
  readonly save?: (format: FormatName) => Promise<void>;
  readonly disabled?: boolean;
}

/** Saves a model, as a file of wasmgrad's own or in a format of others. */
export function SaveModel({ save = saveModelFile, disabled = false }: SaveModelProps) {
  const format = useSignal<FormatName>("wasmgrad");
  return (
    <span class="save-model">
      <Button id="save-model" icon="save" disabled={disabled} onClick={() => void save(format.value)}>
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
