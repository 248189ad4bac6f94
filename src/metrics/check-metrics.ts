import { show } from "../options/show.ts";
import { METRICS, type Metric, type MetricName } from "./metric.ts";

/** The figures of outputs by name, in the order in which they are reported: of several outputs `<output>_<figure>`. */
function figuresOf(outputs: readonly { name: string; metrics: readonly (string | Metric)[] }[]): string[] {
  const several = outputs.length > 1;
  const named = outputs.flatMap(({ name, metrics }) =>
    metrics.map((metric) => {
      const own = typeof metric === "string" ? metric : metric.name;
      return several ? `${name}_${own}` : own;
    }),
  );
  return ["loss", ...(several ? outputs.map(({ name }) => `${name}_loss`) : []), ...named];
}

/** Throws RangeError on a metric's name that is none, and where two figures would have one name. */
export function checkMetrics(
  outputs: readonly { name: string; metrics: readonly (string | Metric)[] }[],
): void {
  for (const metric of outputs.flatMap(({ metrics }) => metrics)) {
    const type = typeof metric === "string" ? metric : metric.type;
    if (type !== undefined && !METRICS.includes(type as MetricName))
      throw new RangeError(
        `metrics: no metric is called '${type}', expected some of ${METRICS.join(", ")}, or what defineMetric() gave`,
      );
  }
  const names = figuresOf(outputs);
  const all = [...names, ...names.map((name) => `val_${name}`)];
  const twice = all.find((name, i) => all.indexOf(name) < i);
  if (twice !== undefined)
    throw new RangeError(
      `metrics: two figures are called ${show(twice)}, expected a name for each. Give each metric once; one with options takes a name. Write: topKCategoricalAccuracy({ k: 3, name: "top3" })`,
    );
}
