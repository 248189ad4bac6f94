import { count, dateTime, dimensions, duration, percent, significant } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { Report } from "../types.ts";

interface Figure {
  readonly label: string;
  readonly value: string;
  readonly more?: string | undefined;
}

/** Title, what was trained on what, and the run's main figures. */
export function headline(report: Report): Markup {
  const { title, dataset, model, timing } = report;
  const [main, ...others] = figures(report);
  const { done, planned } = epochs(report);
  return markup`<header>
<p class="eyebrow">wasmgrad training report</p>
<h1>${title}</h1>
<p class="sub"><bdi>${model.name}</bdi> on <bdi>${dataset.name}</bdi>: ${dataset.classNames.length} classes of ${dimensions(dataset.imageShape)} images, ${count(dataset.trainCount)} for training, ${dataset.validationCount > 0 ? count(dataset.validationCount) : "none"} for validation, ${dataset.testCount > 0 ? count(dataset.testCount) : "none"} for the test.</p>
<p class="sub"><time datetime="${timing.date}">${dateTime(timing.date)}</time></p>
${
  report.stopped &&
  markup`<p class="note"><strong>Stopped early:</strong> ${done} of ${planned} epochs were finished. The figures are those of the weights at that point.</p>`
}
<dl class="figures">
${main && card(main, true)}
${others.map((figure) => card(figure, false))}
</dl>
</header>
`;
}

function card({ label, value, more }: Figure, hero: boolean): Markup {
  return markup`<div${hero && markup` class="hero"`}><dt>${label}</dt><dd class="value">${value}</dd>${
    more && markup`<dd class="more">${more}</dd>`
  }</div>`;
}

function epochs({ history, plannedEpochs }: Report): { done: number; planned: number } {
  const done = (history.at(-1)?.epoch ?? -1) + 1;
  return { done, planned: plannedEpochs ?? done };
}

function figures(report: Report): Figure[] {
  const { timing, model } = report;
  const { done, planned } = epochs(report);
  return [
    ...quality(report),
    { label: "Parameters", value: count(model.parameters), more: "trained numbers" },
    { label: "Speed", value: count(timing.imagesPerSecond), more: "images a second" },
    {
      label: "Epochs",
      value: done < planned ? `${done} of ${planned}` : count(done),
      more: report.stopped ? "stopped early" : done < planned ? "not finished" : "all planned",
    },
    { label: "Training time", value: duration(timing.trainSeconds), more: "in training steps" },
  ];
}

/** Accuracy and loss on the test set; without one, those of the last validation, else of the last epoch. */
function quality({ test, dataset, gallery, history }: Report): Figure[] {
  if (test) {
    const wrong = gallery?.wrongCount ?? gallery?.wrong.length;
    const answers =
      dataset.testCount > 0 && wrong !== undefined
        ? `${count(wrong)} of ${count(dataset.testCount)} wrong`
        : undefined;
    return both("Test", test.accuracy, test.loss, answers);
  }
  const last = history.at(-1);
  if (last?.val_loss !== undefined) return both("Validation", last.val_accuracy, last.val_loss, "last epoch");
  return last ? both("Training", last.accuracy, last.loss, "last epoch") : [];
}

function both(kind: string, accuracy: number | undefined, loss: number, more: string | undefined): Figure[] {
  const lossFigure = { label: `${kind} loss`, value: significant(loss), more: "mean over images" };
  return accuracy === undefined
    ? [lossFigure]
    : [{ label: `${kind} accuracy`, value: percent(accuracy, 2), more }, lossFigure];
}
