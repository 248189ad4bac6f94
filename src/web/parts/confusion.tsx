import { topMistakes } from "../../report/metrics.ts";
import { type Cell, cell, imagesIn } from "../state/look.ts";
import { subject } from "../state/subject.ts";
import { testResult } from "../state/test.ts";
import { Button } from "../ui/controls.tsx";
import { count, percent } from "../ui/format.ts";
import { Panel, Scroll } from "../ui/panel.tsx";
import { Gallery } from "./gallery.tsx";

/** Shares of a row up to which a mistake has shade 1, 2 ...; beyond the last it has the strongest. As in reports. */
const MISTAKE_SHADES = [0.005, 0.01, 0.025, 0.05, 0.15];

export function Confusion() {
  const result = testResult.value!;
  const names = subject.value?.classNames ?? [];
  return (
    <Panel
      id="confusion"
      heading="Confusion matrix"
      lead="Test images by their class (rows) and the model’s prediction (columns). Choose a cell to see its images."
    >
      <div class="confusion">
        <Scroll label="Confusion matrix">
          <Matrix matrix={result.confusion} names={names} />
        </Scroll>
        <CellImages names={names} />
      </div>
    </Panel>
  );
}

function Matrix({ matrix, names }: { matrix: readonly (readonly number[])[]; names: readonly string[] }) {
  const turned = names.some((name) => [...name].length > 4);
  return (
    <table class={`matrix${matrix.length > 14 ? " many" : ""}`}>
      <caption class="visually-hidden">Test images by class (rows) and prediction (columns)</caption>
      <thead>
        <tr>
          <th scope="col" class="corner">
            <span class="visually-hidden">Class</span>
          </th>
          {matrix.map((_, id) => (
            <th key={id} scope="col" class={turned ? "turned" : undefined}>
              <span>{names[id]}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {matrix.map((row, truth) => {
          const support = row.reduce((sum, n) => sum + n, 0);
          return (
            <tr key={truth}>
              <th scope="row">
                <span>{names[truth]}</span>
              </th>
              {row.map((n, prediction) => (
                <td key={prediction}>
                  <MatrixCell at={{ truth, prediction }} n={n} support={support} names={names} />
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface CellProps {
  readonly at: Cell;
  readonly n: number;
  /** Images of the class. */
  readonly support: number;
  readonly names: readonly string[];
}

function MatrixCell({ at, n, support, names }: CellProps) {
  const { truth, prediction } = at;
  const right = truth === prediction;
  if (n === 0) return <span class={`zero${right ? " diagonal" : ""}`}>0</span>;
  const share = n / support;
  const beyond = MISTAKE_SHADES.findIndex((limit) => share < limit);
  const shade = right ? Math.max(1, Math.ceil(6 * share)) : 1 + (beyond < 0 ? MISTAKE_SHADES.length : beyond);
  const chosen = cell.value?.truth === truth && cell.value.prediction === prediction;
  return (
    <button
      type="button"
      class={`${right ? "good" : "bad"}${shade}${right ? " diagonal" : ""}`}
      aria-pressed={chosen}
      aria-label={`${names[truth]} predicted as ${names[prediction]}: ${count(n)} images, ${percent(share)}`}
      title={`${names[truth]} predicted as ${names[prediction]}: ${count(n)} (${percent(share)})`}
      onClick={() => {
        cell.value = at;
      }}
    >
      {n}
    </button>
  );
}

/** The images of the chosen cell; before one is chosen, the most frequent mistakes. */
function CellImages({ names }: { names: readonly string[] }) {
  const result = testResult.value!;
  const at = cell.value;
  if (!at) return <Mistakes names={names} />;
  const all = imagesIn(result, at);
  const probability = (index: number) => result.predictions.probabilities[index]!;
  const picks = all
    .sort((a, b) => probability(b) - probability(a))
    .map((index) => ({ index, ...at, probability: probability(index) }));
  const what =
    at.truth === at.prediction
      ? `${names[at.truth]}, predicted correctly`
      : `${names[at.truth]} taken for ${names[at.prediction]}`;
  return (
    <div class="cell-images" id="cell-images">
      <div class="cell-head">
        <h3 aria-live="polite">{`${what}: ${count(all.length)} image${all.length === 1 ? "" : "s"}`}</h3>
        <Button
          icon="close"
          iconOnly
          kind="quiet"
          onClick={() => {
            cell.value = undefined;
          }}
        >
          Close the cell
        </Button>
      </div>
      <Gallery key={`${at.truth} ${at.prediction}`} picks={picks} result={result} />
    </div>
  );
}

function Mistakes({ names }: { names: readonly string[] }) {
  const mistakes = topMistakes(testResult.value!.confusion, 10);
  return (
    <div class="cell-images">
      <h3>Most frequent mistakes</h3>
      {mistakes.length === 0 ? (
        <p class="lead">None: every test image was predicted correctly.</p>
      ) : (
        <ol class="mistakes">
          {mistakes.map(({ truth, prediction, count: n, share }) => (
            <li key={`${truth} ${prediction}`}>
              <button
                type="button"
                class="mistake"
                onClick={() => {
                  cell.value = { truth, prediction };
                }}
              >
                <span>
                  <b>{names[truth]}</b> taken for <b>{names[prediction]}</b>
                </span>
                <span class="muted">{`${count(n)} (${percent(share)})`}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
