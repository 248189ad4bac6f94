import { useSignal } from "@preact/signals";
import { subject, trained } from "../../state/subject.ts";
import {
  type ChosenBase,
  chosenBase,
  cut,
  cutBehind,
  dropBase,
  openBase,
  opening,
  scaling,
  usePageModel,
} from "../../state/teach/base.ts";
import { teachOptions } from "../../state/teach/learn.ts";
import { type ScalingChoice, scalingsFor } from "../../state/teach/scaling.ts";
import { Button, Select } from "../../ui/controls.tsx";
import { count, dimensions } from "../../ui/format.ts";
import { Panel } from "../../ui/panel.tsx";
import { ChooseFiles } from "./choose-files.tsx";

/** The model that is learned from, or that there is none. */
export function BasePanel() {
  const chosen = chosenBase.value;
  return (
    <Panel
      id="taught-base"
      heading="Learns from"
      aside={
        chosen && (
          <Button icon="close" onClick={dropBase}>
            From scratch
          </Button>
        )
      }
    >
      <p class="lead" id="base-words" aria-live="polite">
        {opening.value ? (
          "The model is being read"
        ) : chosen ? (
          <>
            <b>{chosen.name}</b>
            {`: ${count(chosen.base.model.countParams())} parameters, images of ${dimensions(chosen.base.model.inputShape)}. It stays as it is; what it sees in a picture is computed once, and a small head learns from that in moments.`}
          </>
        ) : (
          "From scratch: a small net that has never seen anything. It tells plain things apart, and needs many pictures. A model that was trained on many images, such as a MobileNet, learns from a few: give its file."
        )}
      </p>
      <div class="actions">
        <ChooseFiles
          id="base-files"
          icon="open"
          label="Files of a model to learn from"
          disabled={opening.value}
          take={(files) => void (files.length > 0 && openBase(files))}
        >
          Model file
        </ChooseFiles>
        {trained.value && (
          <Button id="use-page-model" disabled={opening.value} onClick={() => void usePageModel()}>
            {`This page's model${subject.value ? `, ${subject.value.name}` : ""}`}
          </Button>
        )}
      </div>
      {chosen && <Cut key={chosen.key} chosen={chosen} />}
      {chosen ? (
        <Select
          label="It takes its pixels as"
          name="scaling"
          value={scaling.value}
          hint={
            chosen.found === "file" || chosen.found === scaling.value
              ? "As its file says, or as is usual for it."
              : "Not what was found for it: see that it fits."
          }
          choices={scalingsFor(chosen.base, chosen.found)}
          onChange={(choice) => {
            scaling.value = choice as ScalingChoice;
          }}
        />
      ) : (
        <Select
          label="Pictures are made"
          name="side"
          value={String(teachOptions.value.side)}
          choices={[
            ["32", "32×32: learns fast"],
            ["64", "64×64: sees more"],
          ]}
          onChange={(side) => {
            teachOptions.value = { ...teachOptions.value, side: Number(side) };
          }}
        />
      )}
    </Panel>
  );
}

/** The layer that is the last that is learned from. */
function Cut({ chosen: { base, usualCut } }: { readonly chosen: ChosenBase }) {
  const problem = useSignal<string | undefined>(undefined);
  const tried = useSignal(cut.value);
  return (
    <Select
      label="The last layer that is learned from"
      name="cut"
      value={tried.value}
      problem={problem.value}
      choices={base.model.rows
        .filter(({ type }) => type !== "input")
        .map(({ name, outputShape }) => [
          name,
          `${name}, ${dimensions(outputShape)}${name === usualCut ? ": before the classifier" : ""}`,
        ])}
      onChange={(layer) => {
        tried.value = layer;
        problem.value = cutBehind(layer);
      }}
    />
  );
}
