import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import puppeteer, { type Browser, type LaunchOptions, type Page } from "puppeteer-core";
import { inject } from "vitest";

export const BROWSERS = ["chromium", "firefox"] as const;
export type BrowserName = (typeof BROWSERS)[number];

const PLACES: Readonly<Record<BrowserName, readonly string[]>> = {
  chromium: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  firefox: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
};
/** Longest that a browser may take to start: many times what it does where nothing else runs. */
const START_MS = 100_000;
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Path of a browser: $WASMGRAD_CHROMIUM, $WASMGRAD_FIREFOX, or where Linux distributions install it. */
export function findBrowser(name: BrowserName): string | undefined {
  const named = process.env[`WASMGRAD_${name.toUpperCase()}`];
  return named || PLACES[name].find((path) => existsSync(path));
}

/** Why tests in a browser are skipped; "" where they are not. */
export function missing(name: BrowserName): string {
  return findBrowser(name) ? "" : `no ${name}: install it, or set WASMGRAD_${name.toUpperCase()} to its path`;
}

type Started = Partial<Record<BrowserName, Promise<Browser>>>;
/** The browsers of this process, each started once: that costs seconds. The run ends them (end-browsers.ts). */
const scope = globalThis as { wasmgradBrowsers?: Started };
scope.wasmgradBrowsers ??= {};
const started = scope.wasmgradBrowsers;

/** A running browser, headless, with a profile of its own. It is shared: open pages in it, do not close it. */
export function launch(name: BrowserName): Promise<Browser> {
  if (!findBrowser(name)) throw new Error(missing(name));
  started[name] ??= launchOwn(name, mkdtempSync(join(inject("browsers"), `${name}-`)));
  return started[name];
}

function optionsOf(name: BrowserName, executablePath: string, args: readonly string[]): LaunchOptions {
  return name === "chromium"
    ? { executablePath, headless: true, args: [...CHROMIUM_ARGS, ...args], timeout: START_MS }
    : { executablePath, headless: true, browser: "firefox", timeout: START_MS };
}

/** Another browser, with a profile that outlives it: for tests that kill it, or need it otherwise. @param args of Chromium alone */
export async function launchOwn(
  name: BrowserName,
  profile: string,
  args: readonly string[] = [],
): Promise<Browser> {
  const browser = await puppeteer.launch({
    ...optionsOf(name, findBrowser(name)!, args),
    userDataDir: profile,
  });
  const own = browser.process()!;
  const note = join(inject("browsers"), `${own.pid}.pid`);
  writeFileSync(note, "");
  own.once("exit", () => rmSync(note, { force: true }));
  return browser;
}

/** A page at a URL, and what went wrong in it so far: uncaught errors and console errors. */
export interface OpenPage {
  readonly page: Page;
  readonly errors: string[];
  readonly infos: string[];
}

/** Opens a page in a context of its own, so that it shares no storage with others. */
export async function open(name: BrowserName, url: string): Promise<OpenPage> {
  const browser = await launch(name);
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const errors: string[] = [];
  const infos: string[] = [];
  page.on("pageerror", (error) => errors.push(String((error as Error)?.message ?? error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
    if (message.type() === "info") infos.push(message.text());
  });
  await page.goto(url);
  return { page, errors, infos };
}

/** Closes a page and its context. */
export async function closePage(page: Page): Promise<void> {
  await page.browserContext().close();
}
