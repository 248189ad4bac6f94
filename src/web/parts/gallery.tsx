import { useSignal } from "@preact/signals";
import type { Pick } from "../../report/gallery.ts";
import { chosenImage } from "../state/look.ts";
import { subject } from "../state/subject.ts";
import { type TestResult, testResult } from "../state/test.ts";
import { Button } from "../ui/controls.tsx";
import { count, percent } from "../ui/format.ts";
import { Empty, Panel } from "../ui/panel.tsx";
import { imageAt, Pixels } from "../ui/pixels.tsx";

export function WrongGallery() {
  const result = testResult.value!;
  const { wrong, wrongCount } = result.picks;
  return (
    <Panel
      id="wrong"
      heading="Most confidently wrong"
      lead={
        wrongCount === 0
          ? "None: every test image was predicted correctly."
          : `${wrong.length < wrongCount ? `${wrong.length} of ${count(wrongCount)}` : `All ${count(wrongCount)}`} wrong predictions, the most confident first. Choose one to follow it through the layers.`
      }
    >
      {wrong.length > 0 && <Gallery picks={wrong} result={result} />}
    </Panel>
  );
}

export function CorrectGallery() {
  const result = testResult.value!;
  const { correct } = result.picks;
  return (
    <Panel
      id="correct"
      heading="Correct"
      lead="A spread over the classes, each with the probability of its class."
    >
      {correct.length > 0 ? (
        <Gallery picks={correct} result={result} />
      ) : (
        <Empty>No test image was predicted correctly.</Empty>
      )}
    </Panel>
  );
}

/** Images shown at first. */
const FIRST = 20;

/** Test images with what the model made of them. Choosing one shows what each layer does with it. */
export function Gallery({ picks, result }: { picks: readonly Pick[]; result: TestResult }) {
  const shown = useSignal(FIRST);
  const names = subject.value?.classNames ?? [];
  const nameOf = (id: number) => names[id] ?? "none";
  return (
    <>
      <ul class={`gallery${names.some((name) => [...name].length > 4) ? " long" : ""}`}>
        {picks.slice(0, shown.value).map(({ index, truth, prediction, probability }) => {
          const right = truth === prediction;
          return (
            <li key={index} class={right ? "right" : "wrong"}>
              <button
                type="button"
                class="pick"
                aria-pressed={chosenImage.value === index}
                onClick={() => {
                  chosenImage.value = index;
                  document.getElementById("inside")?.scrollIntoView({ block: "nearest" });
                }}
              >
                <Pixels pixels={imageAt(result.set, index)} shape={result.set.shape} />
                <span class="answer">
                  <b>{nameOf(prediction)}</b> <span>{percent(probability, 0)}</span>
                </span>
                <span class="truth">{right ? "right" : `is ${nameOf(truth)}`}</span>
                <span class="visually-hidden">{`, test image ${index}`}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {picks.length > shown.value && (
        <Button
          onClick={() => {
            shown.value += 5 * FIRST;
          }}
        >
          {`Show more of ${count(picks.length)}`}
        </Button>
      )}
    </>
  );
}
