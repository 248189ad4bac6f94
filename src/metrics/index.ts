import { ACCURACY } from "./accuracy.ts";
import { EXTRA_METRICS } from "./extra.ts";
import type { Metric } from "./metric.ts";

/** Every metric: which of them it is that a name or a type means. */
const DEFINITIONS: Readonly<Record<string, Metric>> = { accuracy: ACCURACY, ...EXTRA_METRICS };

/**
 * The metrics of names, with their defaults; of the type and options of a built-in one; or of what is a metric already.
 * Throws RangeError on a name of none.
 */
export function metricsOf(given: readonly (string | Metric)[]): Metric[] {
  return given.map((metric) => {
    if (typeof metric === "object" && !metric.type) return metric;
    const own = typeof metric === "object" ? metric : undefined;
    const type = own?.type ?? (metric as string);
    const found = DEFINITIONS[type];
    if (found) return { ...found, ...own };
    throw new RangeError(
      `metrics: no metric is called '${type}', expected some of ${Object.keys(DEFINITIONS).join(", ")}, or what defineMetric() gave`,
    );
  });
}
