import { useSignal } from "@preact/signals";
import type { BenchmarkProgress, BenchmarkRow, Configuration, Task } from "../../bench/types.ts";
import { sharesMemory } from "../../engine/platform/web.ts";
import { benchmark, benchmarking, startBenchmark, stopBenchmark } from "../state/benchmark.ts";
import { busy } from "../state/subject.ts";
import { Button } from "../ui/controls.tsx";
import { count } from "../ui/format.ts";
import { Empty, Panel } from "../ui/panel.tsx";

const TASKS: readonly Task[] = [
  { what: "training", batch: 32 },
  { what: "training", batch: 128 },
  { what: "inference", batch: 100 },
];

export function BenchmarkTab() {
  const task = useSignal(0);
  const now = benchmark.value;
  const { what, batch } = TASKS[task.value]!;
  const rows = now?.rows.filter((row) => row.what === what && row.batch === batch) ?? [];
  return (
    <Panel
      id="benchmark"
      heading="Benchmark"
      lead="The reference network (121,930 parameters) on generated digits, in this very browser: every build of the kernels, on one thread and on several. It takes about half a minute; leave the machine alone meanwhile."
      aside={
        benchmarking.value ? (
          <Button icon="stop" id="stop-benchmark" onClick={stopBenchmark}>
            Stop
          </Button>
        ) : (
          <Button
            icon="play"
            kind="primary"
            id="start-benchmark"
            disabled={busy.value}
            onClick={() => void startBenchmark()}
          >
            {now ? "Measure again" : "Measure"}
          </Button>
        )
      }
    >
      <div class="bench-progress">
        <progress value={now ? now.done : 0} max={now ? now.total || 1 : 1} aria-label="Benchmark progress" />
        <p class="muted" id="benchmark-status">
          {statusText()}
        </p>
      </div>
      <fieldset class="segments">
        <legend class="visually-hidden">What is measured</legend>
        {TASKS.map((choice, i) => (
          <label key={`${choice.what} ${choice.batch}`}>
            <input
              type="radio"
              class="segment"
              name="task"
              checked={task.value === i}
              onChange={() => {
                task.value = i;
              }}
            />
            <span>
              {choice.what}, batch {choice.batch}
            </span>
          </label>
        ))}
      </fieldset>
      {rows.length > 0 ? (
        <Bars rows={rows} />
      ) : (
        <Empty>{benchmarking.value ? "Preparing the models" : "Nothing is measured yet."}</Empty>
      )}
      {now && now.skipped.length > 0 && (
        <ul class="skipped">
          {now.skipped.map((skipped) => (
            <li key={nameOf(skipped)}>
              <b>{nameOf(skipped)}</b>: {skipped.reason}
            </li>
          ))}
        </ul>
      )}
      {!sharesMemory() && (
        <p class="lead">
          {`This page may use one thread only: ${crossOriginIsolated ? "this browser lets no page share memory between threads" : "it was served without the headers that threads need"}.`}
        </p>
      )}
    </Panel>
  );
}

function statusText(): string {
  const now = benchmark.value;
  if (busy.value && !benchmarking.value) return "Stop the training first: it would share the processor.";
  if (!benchmarking.value) return now ? measuredText(now) : "Not started";
  if (!now) return "Drawing digits";
  return now.now ? `Measuring ${nameOf(now.now)}` : "Ending";
}

/** Counts what ran; the list below says why the rest did not. */
function measuredText({ rows, skipped }: BenchmarkProgress): string {
  const ran = new Set(rows.map(nameOf)).size;
  const of = skipped.length > 0 ? ` of ${ran + skipped.length}` : "";
  const left = skipped.length > 0 ? `; ${skipped.length} could not run, see below` : "";
  return `Measured ${ran}${of} configurations${left}`;
}

function nameOf({ build, threads }: Configuration): string {
  return `${build}, ${threads} thread${threads === 1 ? "" : "s"}`;
}

/** A bar for each configuration, and how many times as fast as the scalar build on one thread it is. */
function Bars({ rows }: { rows: readonly BenchmarkRow[] }) {
  const most = Math.max(...rows.map(({ imagesPerSecond }) => imagesPerSecond));
  const base = rows.find(({ build, threads }) => build === "scalar" && threads === 1)?.imagesPerSecond;
  return (
    <table class="bars" id="bars">
      <caption class="visually-hidden">Images a second of each build</caption>
      <thead>
        <tr>
          <th scope="col">Build</th>
          <th scope="col" class="number">
            Threads
          </th>
          <th scope="col" class="number">
            Images/s
          </th>
          <th scope="col" class="number">
            × scalar
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={nameOf(row)} class={row.build}>
            <th scope="row">{row.build}</th>
            <td class="number">{row.threads}</td>
            <td>
              <span class="bar-cell">
                <span class="bar">
                  <i style={{ width: `${(100 * row.imagesPerSecond) / most}%` }} />
                </span>
                <span class="number">{count(row.imagesPerSecond)}</span>
              </span>
            </td>
            <td class="number">{base ? (row.imagesPerSecond / base).toFixed(2) : "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
