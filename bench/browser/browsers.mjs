import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

export const BROWSERS = ["chromium", "firefox"];
const PLACES = {
  chromium: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  firefox: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
};
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** WebGL without a graphics card: Chromium's own software renderer. */
const SOFTWARE_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];

/** Path of a browser: $WASMGRAD_CHROMIUM, $WASMGRAD_FIREFOX, or where Linux distributions install it. */
function find(name) {
  return process.env[`WASMGRAD_${name.toUpperCase()}`] || PLACES[name].find((place) => existsSync(place));
}

/** Starts a browser, headless. Rejects where there is none. */
export async function launch(name, { webgl = false } = {}) {
  const executablePath = find(name);
  if (!executablePath)
    throw new Error(`no ${name}: install it, or set WASMGRAD_${name.toUpperCase()} to its path`);
  // A benchmark's call may take minutes.
  const common = { executablePath, headless: true, protocolTimeout: 300_000 };
  if (name === "firefox") return puppeteer.launch({ ...common, browser: "firefox" });
  return puppeteer.launch({
    ...common,
    args: [...CHROMIUM_ARGS, ...(webgl ? SOFTWARE_WEBGL : ["--disable-gpu"])],
  });
}

/** Opens a page, and rejects whatever its scripts throw. */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const failed = new Promise((_, reject) => {
    page.on("pageerror", (error) => reject(new Error(`in ${url}: ${error?.message ?? error}`)));
  });
  failed.catch(() => {});
  await page.goto(url);
  const call = (method, ...args) =>
    Promise.race([page.evaluate((method, args) => window.bench[method](...args), method, args), failed]);
  return call;
}
