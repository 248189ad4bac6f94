// No framework: the element's own types.
import "wasmgrad/element";
import { MODEL, OWN, saw, sawEpoch, sawError } from "../shared.ts";

const app = document.querySelector("#app")!;
app.innerHTML = `
  <wasmgrad-trainer id="first" class="framed" data="digits" model="keras-mnist" train="640" test="100" epochs="1"
    batch-size="64" seed="7"></wasmgrad-trainer>
  <button type="button" id="more">epochs: 1</button>
  <button type="button" id="start">start</button>`;
const first = app.querySelector("wasmgrad-trainer")!;
first.addEventListener("ready", saw);
first.addEventListener("epoch", sawEpoch);
first.addEventListener("complete", saw);
first.addEventListener("error", ({ detail: { error, message } }) =>
  window.told.errors.push(message, error.name),
);
first.addEventListener("progress", function ({ detail }) {
  const figures: [number, number, string] = [detail.seen, detail.imagesPerSecond, this.state];
  if (!figures[2]) throw new Error("no state");
});
first.addEventListener("click", (event) => event.clientX.toFixed());
// @ts-expect-error: an epoch's loss is a number
first.addEventListener("epoch", ({ detail }) => detail.loss.length);
// @ts-expect-error: no number
first.epochs = "three";
first.epochs = 1;

const own = document.createElement("wasmgrad-trainer");
Object.assign(own, { id: "own", data: OWN, epochs: 1, autostart: true });
own.model = MODEL;
own.addEventListener("error", sawError);
app.append(own);

const button = (id: string) => app.querySelector<HTMLButtonElement>(`#${id}`)!;
button("more").onclick = () => {
  first.epochs = 2;
  button("more").textContent = "epochs: 2";
};
button("start").onclick = () => void first.start();
