// Runs in the browser: the benchmark of the package, a turn at a time, for whoever drives the page.
import { prepareBenchmark } from "../../dist/bench/index.js";

let measurement;

window.bench = {
  async open(configurations, options) {
    measurement = await prepareBenchmark({ ...options, configurations });
    return measurement.report;
  },
  turn: (configuration) => measurement.turn(configuration),
  report: () => measurement.report,
  close: () => measurement.dispose(),
};
