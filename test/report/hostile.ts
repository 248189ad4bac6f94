import type { Report } from "../../src/report/index.ts";

/** The report with each of its strings changed, and numbers left. */
export function withText(report: Report, change: (text: string) => string): Report {
  const visit = (value: unknown): unknown =>
    typeof value === "string"
      ? change(value)
      : Array.isArray(value)
        ? value.map(visit)
        : value && Object.getPrototypeOf(value) === Object.prototype
          ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visit(inner)]))
          : value;
  const { configuration, machine } = report;
  const visited = visit(report) as Report;
  return {
    ...visited,
    configuration: { [change("setting")]: visit(configuration) as Report["configuration"] },
    machine: { ...visited.machine, runtimes: { [change("node")]: change(machine.cpu!) } },
  };
}
