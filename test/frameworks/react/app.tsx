import { StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import type { WasmgradTrainer } from "wasmgrad/element/react";
import "wasmgrad/element/react";
import { label, MODEL, OWN, saw, sawEpoch, sawError } from "../shared.ts";

function App() {
  const trainer = useRef<WasmgradTrainer>(null);
  const [epochs, setEpochs] = useState(1);
  return (
    <>
      <wasmgrad-trainer
        ref={trainer}
        id="first"
        className="framed"
        data="digits"
        model="keras-mnist"
        train={640}
        test={100}
        epochs={epochs}
        batchSize={64}
        seed="7"
        onready={saw}
        onepoch={sawEpoch}
        oncomplete={saw}
        onerror={sawError}
      />
      <wasmgrad-trainer id="own" data={OWN} model={MODEL} epochs={1} autostart onerror={sawError} />
      <button type="button" id="more" onClick={() => setEpochs(2)}>
        {`epochs: ${epochs}`}
      </button>
      <button type="button" id="start" onClick={() => void trainer.current?.start()}>
        {label(trainer.current?.state)}
      </button>
    </>
  );
}

createRoot(document.querySelector("#app")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

// Refused by the compiler, each for its own reason.
export const wrong = [
  // @ts-expect-error: no number
  <wasmgrad-trainer key="1" epochs="three" />,
  // @ts-expect-error: no optimizer of that name
  <wasmgrad-trainer key="2" optimizer="adamm" />,
  // @ts-expect-error: no attribute of that name
  <wasmgrad-trainer key="3" epoch={3} />,
  // @ts-expect-error: an epoch's loss is a number
  <wasmgrad-trainer key="4" onepoch={({ detail }) => detail.loss.length} />,
];
