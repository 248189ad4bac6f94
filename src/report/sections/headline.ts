import type { EpochRecord } from "../epoch-record.ts";
import { count, counted, dateTime, dimensions, duration, fixed, percent, significant } from "../format.ts";
import { keptMark } from "../kept.ts";
import { type Markup, markup } from "../markup.ts";
import type { Report } from "../types.ts";

interface Figure {
  readonly label: string;
  readonly value: string;
  readonly more?: string | undefined;
}

/** Title, what was trained on what, what went wrong, and the run's main figures. */
export function headline(report: Report): Markup {
  const { title, timing } = report;
  const [main, ...others] = figures(report);
  return markup`<header>
<p class="eyebrow">wasmgrad training report</p>
<h1>${title}</h1>
<p class="sub">${subject(report)}</p>
<p class="sub"><time datetime="${timing.date}">${dateTime(timing.date)}</time></p>
${notes(report)}
<dl class="figures">
${main && card(main, true)}
${others.map((figure) => card(figure, false))}
</dl>
</header>
`;
}

/** What was trained on what; model and dataset are left out where the title names both. */
function subject({ title, dataset, model }: Report): Markup {
  const { trainCount, validationCount, testCount } = dataset;
  const known = title.includes(model.name) && title.includes(dataset.name);
  const names = !known && markup`<bdi>${model.name}</bdi> on <bdi>${dataset.name}</bdi>: `;
  const some = (n: number) => (n > 0 ? count(n) : "none");
  return markup`${names}${asked(dataset)}, ${count(trainCount)} for training, ${some(validationCount)} for validation, ${some(testCount)} for the test.`;
}

/** What is to be told of the images. */
function asked({ answers, classNames, imageShape }: Report["dataset"]): string {
  const classes = counted(classNames.length, "class", "classes");
  const images = `${dimensions(imageShape)} images`;
  if (!answers) return `${classes} of ${images}`;
  if (answers.kind === "masks") return `${images} with masks of ${classes}`;
  return answers.own
    ? `${images} that are their own targets`
    : `${images} with ${answers.shape.join() === "1" ? "a number" : `${dimensions(answers.shape)} numbers`} each`;
}

/** Why training ended early, whose weights the figures are of, the verdict, and warnings. */
function notes(report: Report): Markup {
  const { stopped, verdict, warnings } = report;
  const { done, planned } = epochs(report);
  const advice = verdict && markup`${verdict.text} ${verdict.tryText}`;
  const kept = keptMark(report.history, report.kept);
  const weights =
    stopped === "diverged"
      ? "the last weights that were good"
      : kept
        ? `the weights of ${kept.text}, which were kept`
        : "the weights at that point";
  const early = markup`${done} of ${counted(planned, "epoch")} ${planned === 1 ? "was" : "were"} finished. The figures are those of ${weights}.`;
  const odd = warnings?.map((text) => markup`<p class="note">${text}</p>`);
  if (stopped === "diverged" && advice)
    return markup`<p class="note"><strong>Stopped early:</strong> ${advice} ${early}</p>${odd}`;
  return markup`${stopped && markup`<p class="note"><strong>Stopped early:</strong> ${early}</p>`}${
    advice && markup`<p class="note">${advice}</p>`
  }${odd}`;
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
  const kept = keptMark(report.history, report.kept);
  const state = report.stopped ? "stopped early" : done < planned ? "not finished" : "all planned";
  return [
    ...quality(report),
    { label: "Parameters", value: count(model.parameters), more: "trained numbers" },
    { label: "Speed", value: count(timing.imagesPerSecond), more: "images a second" },
    {
      label: "Epochs",
      value: done < planned ? `${done} of ${planned}` : count(done),
      more: kept ? `epoch ${kept.x} was kept` : state,
    },
    { label: "Training time", value: duration(timing.trainSeconds), more: "in training steps" },
  ];
}

/** Accuracy and loss on the test set; without one, those of the kept epoch's validation or training, else of the last epoch's. */
function quality(report: Report): Figure[] {
  const { test, dataset, gallery, history } = report;
  if (test && dataset.answers) return imageQuality(test, dataset.answers);
  if (test) {
    const wrong = gallery?.wrongCount ?? gallery?.wrong.length;
    const answers =
      dataset.testCount > 0 && wrong !== undefined
        ? `${count(wrong)} of ${count(dataset.testCount)} wrong`
        : undefined;
    return both("Test", test.accuracy, test.loss, answers);
  }
  const kept = keptMark(history, report.kept);
  const record: EpochRecord | undefined = kept?.record ?? history.at(-1);
  const whose = kept ? `epoch ${kept.x}, kept` : "last epoch";
  if (record?.val_loss !== undefined) return both("Validation", record.val_accuracy, record.val_loss, whose);
  return record ? both("Training", record.accuracy, record.loss, whose) : [];
}

/** Of outputs that are images: the overlap of masks, the errors of numbers. */
function imageQuality(
  { loss, accuracy, figures = {} }: NonNullable<Report["test"]>,
  { kind }: NonNullable<Report["dataset"]["answers"]>,
): Figure[] {
  const { meanIoU, meanAbsoluteError, meanSquaredError } = figures;
  const lossFigure = {
    label: "Test loss",
    value: significant(loss),
    more: kind === "masks" ? "mean over pixels" : "mean over numbers",
  };
  if (meanIoU !== undefined)
    return [
      {
        label: "Test mean IoU",
        value: fixed(meanIoU),
        more: accuracy === undefined ? undefined : `${percent(accuracy, 2)} of pixels right`,
      },
      lossFigure,
    ];
  const error = meanAbsoluteError ?? meanSquaredError;
  const name = meanAbsoluteError === undefined ? "squared" : "absolute";
  return error === undefined
    ? [lossFigure]
    : [lossFigure, { label: `Mean ${name} error`, value: significant(error), more: "test images" }];
}

function both(kind: string, accuracy: number | undefined, loss: number, more: string | undefined): Figure[] {
  const lossFigure = { label: `${kind} loss`, value: significant(loss), more: "mean over images" };
  return accuracy === undefined
    ? [lossFigure]
    : [{ label: `${kind} accuracy`, value: percent(accuracy, 2), more }, lossFigure];
}
