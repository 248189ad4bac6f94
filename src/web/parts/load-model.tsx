import { useRef } from "preact/hooks";
import { openFiles } from "../state/open-files.ts";
import { phase } from "../state/subject.ts";
import { Button } from "../ui/controls.tsx";

/** Opens a model, of whatever format. */
export function LoadModel() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button icon="open" disabled={phase.value !== "idle"} onClick={() => input.current?.click()}>
        Load model
      </Button>
      <input
        ref={input}
        class="visually-hidden model-file"
        type="file"
        accept=".safetensors,.keras,.h5,.hdf5,.onnx,.json,.bin"
        multiple
        tabIndex={-1}
        aria-label="Model file"
        onChange={(event) => {
          const { currentTarget } = event;
          void openFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
    </>
  );
}
