import { useMemo } from "preact/hooks";
import uPlot from "uplot";
import type { EpochRecord } from "../../report/epoch-record.ts";
import { bestOfAll, keptEpoch } from "../state/outcome.ts";
import { settings } from "../state/setup.ts";
import { curve, curveVersion, epochs, progress } from "../state/subject.ts";
import { count, percent, significant } from "../ui/format.ts";
import { type ChartLine, LineChart } from "../ui/line-chart.tsx";
import { Panel, Scroll } from "../ui/panel.tsx";

const LINES: readonly ChartLine[] = [
  { name: "live", colour: "live", width: 1.5 },
  { name: "training", colour: "training-line", width: 2, points: true },
  { name: "validation", colour: "validation-line", width: 2, dash: [7, 5], points: true },
];

/** Loss and accuracy: as they come, and by epoch. */
export function Curves() {
  const version = curveVersion.value;
  const records = epochs.value;
  const last = Math.max(progress.value?.epochs ?? (settings.value.epochs || 1), records.length, 1);
  const loss = useMemo(() => joined("loss", "val_loss", records), [version, records]);
  const accuracy = useMemo(() => joined("accuracy", "val_accuracy", records), [version, records]);
  const empty = curve.current.points.length === 0 && records.length === 0;
  const kept = keptEpoch.value;
  const mark = kept === undefined ? undefined : { x: kept + 1, label: "kept" };
  return (
    <Panel
      id="curves"
      heading="Learning curves"
      aside={
        <span class="muted">
          {kept === undefined
            ? "over epochs"
            : `epoch ${kept + 1}, the best${bestOfAll.value ? "" : " since it trained on"}, is kept`}
        </span>
      }
    >
      <div class="charts">
        <LineChart
          title="Accuracy"
          description={inWords("Accuracy", records, "accuracy", "val_accuracy", (y) => percent(y))}
          lines={LINES}
          data={accuracy}
          {...(empty && { empty: "The share of images it gets right. It should rise." })}
          range={[0, last]}
          mark={mark && { ...mark, at: "bottom" }}
          yRange={[Math.floor(20 * Math.min(0.95, usual("accuracy", records, 0.05))) / 20, 1]}
          format={(y) => percent(y)}
          tick={(y) => `${Math.round(100 * y)}\u00a0%`}
        />
        <LineChart
          title="Loss"
          description={inWords("Loss", records, "loss", "val_loss", significant)}
          lines={LINES}
          data={loss}
          {...(empty && { empty: "How far off its answers are. It should fall." })}
          range={[0, last]}
          mark={mark && { ...mark, at: "top" }}
          yRange={[0, Math.max(1.05 * usual("loss", records, 0.95), 0.05)]}
          format={steady}
          tick={shortNumber}
        />
      </div>
      <EpochTable records={records} />
    </Panel>
  );
}

/**
 * The value that only a twentieth of the live points lie beyond: what the axis ends at, so that the first steps do not
 * press all that follows flat. The epochs' values are always within.
 */
function usual(key: "loss" | "accuracy", records: readonly EpochRecord[], share: number): number {
  const values = curve.current.points.map((point) => point[key]).filter(Number.isFinite);
  const ends = records
    .flatMap((record) => [record[key], record[`val_${key}`]])
    .filter(Number.isFinite) as number[];
  if (values.length + ends.length === 0) return key === "loss" ? 1 : 0;
  const sorted = Float64Array.from(values).sort();
  const quantile = sorted[Math.round(share * (sorted.length - 1))] ?? ends[0]!;
  return key === "loss" ? Math.max(quantile, ...ends) : Math.min(quantile, ...ends);
}

/** One x axis for the points as they came, and those of the epochs, which stand at their end. */
function joined(
  trained: "loss" | "accuracy",
  validated: "val_loss" | "val_accuracy",
  records: readonly EpochRecord[],
): uPlot.AlignedData {
  const live = curve.current.points;
  const ends = records.map(({ epoch }) => epoch + 1);
  const by = (key: keyof EpochRecord) => records.map((record) => record[key] ?? null);
  return uPlot.join([
    [live.map(({ x }) => x), live.map((point) => point[trained])],
    [ends, by(trained), by(validated)],
  ]);
}

/** A loss of one width, so that the legend stands still. */
function steady(loss: number | null | undefined): string {
  return typeof loss === "number" && loss < 10 ? loss.toFixed(4) : significant(loss);
}

/** A loss on the axis, in room for some six characters. */
function shortNumber(y: number): string {
  const size = Math.abs(y);
  return y !== 0 && (size >= 1e5 || size < 1e-3)
    ? y.toExponential(size >= 1e5 && Number(y.toPrecision(1)) !== y ? 1 : 0).replace("e+", "e")
    : String(Number(y.toFixed(4)));
}

function inWords(
  title: string,
  records: readonly EpochRecord[],
  trained: "loss" | "accuracy",
  validated: "val_loss" | "val_accuracy",
  format: (y: number | undefined) => string,
): string {
  const last = records.at(-1);
  if (!last) return `${title} over epochs: no epoch is finished`;
  const validation = last[validated] === undefined ? "" : `, validation ${format(last[validated])}`;
  return `${title} over epochs: after epoch ${last.epoch + 1}, training ${format(last[trained])}${validation}`;
}

function EpochTable({ records }: { records: readonly EpochRecord[] }) {
  const kept = keptEpoch.value;
  return (
    <details class="epochs">
      <summary>All epochs as a table</summary>
      {records.length === 0 ? (
        <p class="lead">No epoch is finished yet.</p>
      ) : (
        <Scroll label="Figures of each epoch">
          <table class="figures-table" id="epochs">
            <caption class="visually-hidden">Figures of each epoch</caption>
            <thead>
              <tr>
                {["Epoch", "Loss", "Accuracy", "Val. loss", "Val. accuracy", "Images/s"].map((name) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {records.map((record) => (
                <tr key={record.epoch} class={record.epoch === kept ? "kept" : undefined}>
                  <th scope="row" class="number">
                    {record.epoch === kept ? `kept: ${record.epoch + 1}` : record.epoch + 1}
                  </th>
                  <td class="number">{significant(record.loss)}</td>
                  <td class="number">{percent(record.accuracy, 2)}</td>
                  <td class="number">{significant(record.val_loss)}</td>
                  <td class="number">{percent(record.val_accuracy, 2)}</td>
                  <td class="number">{count(record.imagesPerSecond ?? Number.NaN)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </details>
  );
}
