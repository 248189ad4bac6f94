import { dataset } from "../state/dataset.ts";
import { GLANCED, glance, glanced } from "../state/glance.ts";
import { dataShape, settings, tab } from "../state/setup.ts";
import { subject, trained } from "../state/subject.ts";
import { testImages, testResult } from "../state/test.ts";
import { Button } from "../ui/controls.tsx";
import { percent } from "../ui/format.ts";
import { Panel } from "../ui/panel.tsx";
import { imageAt, Pixels } from "../ui/pixels.tsx";

/** Test images and what the model says of them as it learns; at the end, how it does on all of them. */
export function Glance() {
  const current = trained.value ? subject.value : undefined;
  const chosen = dataset.value?.name === settings.value.dataset ? dataset.value : undefined;
  const data = current ? testImages(current) && current.data : chosen;
  const set = data && data.set.test.count > 0 ? glanced(data) : undefined;
  const names = current?.classNames ?? dataShape.value.classNames;
  const answers = current ? glance.value : undefined;
  const result = testResult.value;
  return (
    <Panel
      id="glance"
      heading="Test images"
      aside={
        <div class="actions">
          <Button
            id="see-results"
            disabled={!result}
            onClick={() => {
              tab.value = "results";
            }}
          >
            All results
          </Button>
          <Button
            icon="edit"
            disabled={!trained.value}
            onClick={() => {
              tab.value = "draw";
            }}
          >
            Draw one yourself
          </Button>
        </div>
      }
      lead={
        result ? (
          <>
            <b class="glance-accuracy">{percent(result.accuracy, 2)}</b>
            {` of ${result.set.count.toLocaleString("en-US")} images that the model has never seen are right.`}
          </>
        ) : (
          "Images that the model never trains on, and its answers as it learns."
        )
      }
    >
      <ul class="glance">
        {Array.from({ length: GLANCED }, (_, i) => {
          const truth = set?.labels[i];
          if (!set || truth === undefined)
            return (
              <li key={i}>
                <span class="pixels blank" />
                <span class="answer">–</span>
              </li>
            );
          const prediction = answers?.classes[i];
          const right = prediction === truth;
          return (
            <li key={i} class={prediction === undefined ? "" : right ? "right" : "wrong"}>
              <Pixels pixels={imageAt(set, i)} shape={set.shape} label={names[truth]} />
              <span class="answer" title={prediction === undefined ? undefined : names[prediction]}>
                {prediction === undefined ? "–" : (names[prediction] ?? "none")}
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
