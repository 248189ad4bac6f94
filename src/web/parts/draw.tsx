import { useRef } from "preact/hooks";
import { type Answer, answer, blank, clearStrokes, drawingProblem, undoStroke } from "../state/drawing.ts";
import { openFiles } from "../state/open-files.ts";
import { start } from "../state/run.ts";
import { dataShape, problem } from "../state/setup.ts";
import { phase, subject, trained } from "../state/subject.ts";
import { Button } from "../ui/controls.tsx";
import { percent } from "../ui/format.ts";
import { Panel } from "../ui/panel.tsx";
import { Pixels } from "../ui/pixels.tsx";
import { Probabilities } from "../ui/probabilities.tsx";
import { LoadModel } from "./load-model.tsx";
import { Pad } from "./pad.tsx";

export function DrawTab() {
  const nothing = blank.value;
  return (
    <div class="draw">
      <Panel
        heading="Draw"
        aside={
          <div class="actions">
            <OpenPicture />
            <Button icon="undo" disabled={nothing} onClick={undoStroke}>
              Undo
            </Button>
            <Button id="clear-pad" icon="close" disabled={nothing} onClick={clearStrokes}>
              Clear
            </Button>
          </div>
        }
      >
        <Pad />
        <p class="lead" id="pad-help">
          Draw with a mouse, a finger or a pen, or drop a picture here. With the keyboard: arrow keys move,
          Space puts the pen down and lifts it, Backspace undoes, Delete clears.
        </p>
      </Panel>
      <AnswerPanel />
    </div>
  );
}

function AnswerPanel() {
  const current = subject.value;
  const names = current?.classNames ?? dataShape.value.classNames;
  const now = answer.value;
  return (
    <Panel id="answer" heading="Answer">
      {trained.value ? (
        <div class="answer-head">
          <p class="answer-text" aria-live="polite">
            {drawingProblem.value ?? <Verdict names={names} />}
          </p>
          <figure class="seen">
            {now ? (
              <Pixels pixels={now.pixels} shape={now.shape} label="What the model sees" />
            ) : (
              <span class="pixels blank" />
            )}
            <figcaption>{howSeen(now)}</figcaption>
          </figure>
        </div>
      ) : (
        <div class="offer">
          <p>
            No model has been trained yet. A few seconds are enough for digits; the pad can be used meanwhile.
          </p>
          <div class="actions">
            <Button
              icon="play"
              kind="primary"
              disabled={phase.value !== "idle" || !!problem.value}
              onClick={start}
            >
              Train now
            </Button>
            <LoadModel />
          </div>
        </div>
      )}
      <Probabilities outputs={now?.outputs} names={names} />
    </Panel>
  );
}

/** What was done to a drawing or picture before the model saw it. */
function howSeen(now: Answer | undefined): string {
  const done = [
    ...(now?.inverted ? ["light and dark swapped"] : []),
    ...(now?.centred ? ["scaled, and centred by its mass"] : []),
  ];
  return `as the model sees it${done.length > 0 ? `: ${done.join(", ")}` : ""}`;
}

/** Takes a picture from the visitor's files, or the phone's camera. */
function OpenPicture() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button icon="open" onClick={() => input.current?.click()}>
        Picture
      </Button>
      <input
        ref={input}
        id="picture-file"
        class="visually-hidden"
        type="file"
        accept="image/*"
        tabIndex={-1}
        aria-label="Picture to classify"
        onChange={(event) => {
          const { currentTarget } = event;
          void openFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
    </>
  );
}

function Verdict({ names }: { names: readonly string[] }) {
  const outputs = answer.value?.outputs;
  if (!outputs) return <span class="muted">Draw something, or drop a picture</span>;
  const shares = outputs.length === 1 ? [1 - outputs[0]!, outputs[0]!] : [...outputs];
  const best = shares.indexOf(Math.max(...shares));
  return (
    <>
      <b id="drawn-class">{names[best]}</b>
      <span class="muted">{percent(shares[best], 1)}</span>
    </>
  );
}
