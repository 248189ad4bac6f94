import {
  DEFAULT_OPTIONS,
  doing,
  goOn,
  halt,
  halted,
  leftOut,
  optionsProblem,
  type TeachOptions,
  taught,
  teachOptions,
  teachProblem,
} from "../../state/teach/learn.ts";
import { Button, Check, NumberInput, parseNumber } from "../../ui/controls.tsx";
import { count, duration, percent } from "../../ui/format.ts";
import { Panel } from "../../ui/panel.tsx";

/** How far it is, how well it does, and how it learns. */
export function LearnPanel() {
  const now = doing.value;
  const share =
    now.doing === "looking"
      ? now.done / now.of
      : now.doing === "learning"
        ? now.epoch / now.epochs
        : taught.value
          ? 1
          : 0;
  return (
    <Panel
      id="taught-learning"
      heading="Learning"
      aside={
        halted.value ? (
          <Button id="learn-on" icon="play" kind="primary" onClick={goOn}>
            Learn on
          </Button>
        ) : (
          <Button id="halt" icon="stop" disabled={now.doing === "nothing"} onClick={halt}>
            Stop
          </Button>
        )
      }
    >
      <div class="learn-state">
        <p id="teach-status">{statusText()}</p>
        <progress value={share} max={1} aria-label="Learning progress" />
      </div>
      <Result />
      {leftOut.value && <p class="lead">{leftOut.value}</p>}
      <Settings />
    </Panel>
  );
}

function statusText(): string {
  const now = doing.value;
  if (now.doing === "looking") return `Looking at the pictures: ${count(now.done)} of ${count(now.of)}`;
  if (now.doing === "learning") return `Learning: epoch ${now.epoch} of ${now.epochs}`;
  if (halted.value) return "Stopped: pictures may come, and nothing is learned.";
  if (teachProblem.value) return teachProblem.value;
  return taught.value ? "It has learned what there is. More pictures are learned as they come." : "Begins";
}

function Result() {
  const current = taught.value;
  if (!current || current.result.seconds === 0) return null;
  const { accuracy, heldOut, pictures, seconds } = current.result;
  return (
    <>
      <dl class="teach-figures">
        <div>
          <dt>{heldOut > 0 ? `Right of ${count(heldOut)} held out` : "Right of those it learned"}</dt>
          <dd id="teach-accuracy">{percent(accuracy)}</dd>
        </div>
        <div>
          <dt>Pictures</dt>
          <dd>{count(pictures)}</dd>
        </div>
        <div>
          <dt>Trained in</dt>
          <dd>{seconds < 1 ? `${Math.round(1000 * seconds)} ms` : duration(seconds)}</dd>
        </div>
      </dl>
      {heldOut === 0 && (
        <p class="lead">
          From 10 pictures in each class on, every fifth is held out, to see how it does on what it has not
          learned.
        </p>
      )}
    </>
  );
}

function Settings() {
  const options = teachOptions.value;
  const problems = optionsProblem(options) ?? {};
  const change = (patch: Partial<TeachOptions>) => {
    teachOptions.value = { ...options, ...patch };
  };
  const field = (key: "epochs" | "learningRate" | "units", label: string, hint: string) => (
    <NumberInput
      label={label}
      name={key}
      whole={key !== "learningRate"}
      text={Number.isNaN(options[key]) ? "" : String(options[key])}
      hint={hint}
      problem={problems[key]}
      onText={(text) => change({ [key]: parseNumber(text) ?? Number.NaN })}
    />
  );
  return (
    <details class="advanced" id="teach-settings">
      <summary>Settings</summary>
      <div class="advanced-body">
        <div class="fields">
          {field("epochs", "Epochs", "times through all pictures")}
          {field("learningRate", "Learning rate", "size of each correction")}
          {field("units", "Hidden units", "before the classes; 0: none")}
        </div>
        <Check
          label="Vary the pictures: each is learned with three more, turned, moved, nearer or brighter"
          name="vary"
          checked={options.vary}
          onChange={(vary) => change({ vary })}
        />
        {options.vary && <p class="lead">So four times as many pictures are looked at, each once.</p>}
        <div class="actions">
          <Button
            disabled={JSON.stringify(options) === JSON.stringify(DEFAULT_OPTIONS)}
            onClick={() => {
              teachOptions.value = DEFAULT_OPTIONS;
            }}
          >
            Defaults
          </Button>
        </div>
      </div>
    </details>
  );
}
