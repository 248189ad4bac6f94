import { ACCURACY } from "./accuracy.ts";
import { EXTRA_METRICS } from "./extra.ts";
import type { Metric } from "./metric.ts";

/** Every metric: which of them it is that a name or a type means. */
const DEFINITIONS: Readonly<Record<string, Omit<Metric, "name">>> = { accuracy: ACCURACY, ...EXTRA_METRICS };

/**
 * The metrics of names, which are known to be some; of the type and options of a built-in one; or of what is a metric already.
 */
export function metricsOf(given: readonly (string | Metric)[]): Metric[] {
  return given.map((metric) => {
    if (typeof metric === "object" && !metric.type) return metric;
    const own = typeof metric === "object" ? metric : undefined;
    const type = own?.type ?? (metric as string);
    return { name: type, ...DEFINITIONS[type]!, ...own };
  });
}
