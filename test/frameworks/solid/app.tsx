import { createSignal } from "solid-js";
import { createStore } from "solid-js/store";
import { render } from "solid-js/web";
import type { WasmgradTrainer } from "wasmgrad/element/solid";
import "wasmgrad/element/solid";
import { label, MODEL, OWN, saw, sawEpoch, sawError } from "../shared.ts";

function App() {
  let trainer: WasmgradTrainer | undefined;
  const [epochs, setEpochs] = createSignal(1);
  const [own] = createStore(OWN);
  return (
    <>
      <wasmgrad-trainer
        ref={(element: WasmgradTrainer) => {
          trainer = element;
        }}
        id="first"
        class="framed"
        data="digits"
        model="keras-mnist"
        train={640}
        test={100}
        epochs={epochs()}
        batchSize={64}
        seed="7"
        on:ready={saw}
        on:epoch={sawEpoch}
        on:complete={saw}
        on:error={sawError}
      />
      <wasmgrad-trainer id="own" data={own} model={MODEL} epochs={1} autostart on:error={sawError} />
      <button type="button" id="more" onClick={() => setEpochs(2)}>
        {`epochs: ${epochs()}`}
      </button>
      <button type="button" id="start" onClick={() => void trainer?.start()}>
        {label(trainer?.state)}
      </button>
    </>
  );
}

render(() => <App />, document.querySelector("#app")!);

// Refused by the compiler, each for its own reason.
export const wrong = {
  // @ts-expect-error: no number
  number: () => <wasmgrad-trainer epochs="three" />,
  // @ts-expect-error: no attribute of that name
  name: () => <wasmgrad-trainer epoch={3} />,
  // @ts-expect-error: an epoch's loss is a number
  detail: () => <wasmgrad-trainer on:epoch={({ detail }) => detail.loss.length} />,
};
