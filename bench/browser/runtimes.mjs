// Node, Chromium and Firefox behind one interface: name, version, turn(), report(), close().
import { BENCHMARK_IMAGES, benchmarkModel, Measurement } from "../../dist/bench/measure.js";
import { generateDigits } from "../../dist/index.js";
import { launch, openPage } from "./browsers.mjs";

export async function openNode(configurations, options) {
  const { train } = await generateDigits({ train: BENCHMARK_IMAGES, test: 1 });
  const measurement = new Measurement(options);
  const open = async ({ build, threads }) => {
    const model = benchmarkModel();
    await model.compile({ backend: build, threads, metrics: [] });
    return model;
  };
  await measurement.open(configurations, open, train);
  return {
    name: "Node",
    version: process.versions.node,
    turn: (configuration) => measurement.turn(configuration),
    report: async () => measurement.report,
    close: async () => measurement.dispose(),
  };
}

export async function openBrowser(name, origin, configurations, options) {
  const browser = await launch(name);
  try {
    const call = await openPage(browser, `${origin}/wasmgrad.html`);
    await call("open", configurations, options);
    return {
      name: name === "chromium" ? "Chromium" : "Firefox",
      version: (await browser.version()).replace(/^\D+/, ""),
      turn: (configuration) => call("turn", configuration),
      report: () => call("report"),
      close: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
