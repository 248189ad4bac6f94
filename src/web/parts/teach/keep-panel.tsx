import { useSignal } from "@preact/signals";
import { openModelFile, saveFile } from "../../state/model-file.ts";
import { tab } from "../../state/setup.ts";
import { busy, subject } from "../../state/subject.ts";
import { forgetAll, keepPictures, keepsPictures, keepsTaught } from "../../state/teach/keep.ts";
import { taught } from "../../state/teach/learn.ts";
import { bytesOfAll, countAll } from "../../state/teach/pictures.ts";
import { Button, Check } from "../../ui/controls.tsx";
import { megabytes } from "../../ui/format.ts";
import { Panel } from "../../ui/panel.tsx";
import { SaveModel } from "../save-model.tsx";

/** What becomes of it. */
export function KeepPanel() {
  const current = taught.value;
  const sure = useSignal(false);
  const open = async () => {
    const before = subject.value;
    await openModelFile("The taught model", { "taught.safetensors": await current!.file() });
    if (subject.value !== before) tab.value = "draw";
  };
  return (
    <Panel
      id="taught-keep"
      heading="Keep it"
      lead="The pictures never leave this browser. The model and the names of its classes are kept in it, and are here after a reload."
    >
      <div class="actions">
        <SaveModel disabled={!current} save={(format) => saveFile(format, () => taught.value!.file())} />
        <Button id="open-taught" disabled={!current || busy.value} onClick={() => void open()}>
          Open on the other tabs
        </Button>
      </div>
      <Check
        label={`Keep the pictures in this browser, too${countAll.value > 0 ? ` (${megabytes(bytesOfAll.value)})` : ""}`}
        name="keep-pictures"
        checked={keepsPictures.value}
        onChange={keepPictures}
      />
      {(keepsTaught.value || countAll.value > 0) &&
        (sure.value ? (
          <div class="offer">
            <p>Model, classes and pictures are removed, from this page and from what the browser keeps.</p>
            <div class="actions">
              <Button
                id="forget-taught"
                onClick={() => {
                  sure.value = false;
                  void forgetAll();
                }}
              >
                Remove them
              </Button>
              <Button
                onClick={() => {
                  sure.value = false;
                }}
              >
                Leave them
              </Button>
            </div>
          </div>
        ) : (
          <p class="lead">
            <button
              type="button"
              class="link"
              id="ask-forget"
              onClick={() => {
                sure.value = true;
              }}
            >
              Begin anew, and forget all of it
            </button>
          </p>
        ))}
    </Panel>
  );
}
