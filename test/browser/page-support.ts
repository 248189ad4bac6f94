import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { BrowserContext, HTTPRequest, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type PageServer, serveFolder } from "../../src/cli/serve/server.ts";
import { type BrowserName, launch } from "./support/browsers.ts";

/** What `npm run build:web` makes of src/web. */
export const PAGE_FOLDER = fileURLToPath(new URL("../../dist/web", import.meta.url));

/** What the tests note in a page before its own code runs. */
interface Noted {
  /** Violations of its policy. */
  violations: string[];
  /** Every worker that was started. */
  workers: Worker[];
  /** Files that the visitor was given. */
  saved: { name: string; blob: Blob }[];
}

declare global {
  interface Window {
    noted: Noted;
  }
}

function note(): void {
  const noted: Noted = { violations: [], workers: [], saved: [] };
  window.noted = noted;
  document.addEventListener("securitypolicyviolation", (event) =>
    noted.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`),
  );
  window.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      noted.workers.push(this);
    }
  };
  const blobs = new Map<string, Blob>();
  const create = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (object) => {
    const url = create(object);
    if (object instanceof Blob) blobs.set(url, object);
    return url;
  };
  const click = HTMLAnchorElement.prototype.click;
  HTMLAnchorElement.prototype.click = function (this: HTMLAnchorElement) {
    const blob = blobs.get(this.href);
    if (blob && this.download) noted.saved.push({ name: this.download, blob });
    else click.call(this);
  };
}

export interface App {
  readonly page: Page;
  /** Uncaught errors and console errors so far. */
  readonly errors: string[];
}

const servers: { isolated?: PageServer; plain?: PageServer } = {};
const open: Page[] = [];

/** Serves the page in this file's tests, with and without cross-origin isolation; closes pages after each test. */
export function servePage(): void {
  beforeAll(async () => {
    if (!existsSync(PAGE_FOLDER)) throw new Error("the page is not built: run `npm run build:web`");
    servers.isolated = await serveFolder(PAGE_FOLDER, { port: 0, isolation: true });
    servers.plain = await serveFolder(PAGE_FOLDER, { port: 0, isolation: false });
  });
  afterEach(async () => {
    const contexts = new Set(open.splice(0).map((page) => page.browserContext()));
    // A browser's own context ends with it.
    for (const context of contexts)
      if (!context.closed && context !== context.browser().defaultBrowserContext()) await context.close();
  });
  afterAll(async () => {
    await servers.isolated?.close();
    await servers.plain?.close();
  });
}

export interface AppOptions {
  /** The address's fragment, without `#`. */
  readonly fragment?: string;
  readonly isolated?: boolean;
  /** In place of the page's own server. */
  readonly url?: string;
  readonly width?: number;
  readonly dark?: boolean;
  /** Runs in the page before its own code, with `beforeArgument`. */
  readonly before?: (argument: number) => void;
  readonly beforeArgument?: number;
  /** In place of a context of its own: that of another page, whose storage it shares. */
  readonly context?: BrowserContext;
  /** False: as in a private window that has none. */
  readonly serviceWorkers?: boolean;
}

/** What a page has asked for and not got yet. */
const openRequests = new WeakMap<Page, Set<HTTPRequest>>();

function followRequests(page: Page): Set<HTTPRequest> {
  const requests = new Set<HTTPRequest>();
  page.on("request", (request) => {
    // What the document before had asked for is broken off: of some of it nobody tells.
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) requests.clear();
    requests.add(request);
  });
  for (const event of ["requestfinished", "requestfailed"] as const)
    page.on(event, (request) => requests.delete(request));
  return requests;
}

/** The page in a context of its own, once it shows something. */
export async function openApp(name: BrowserName, options: AppOptions = {}): Promise<App> {
  const { fragment = "", isolated = true, width = 1280, dark = false } = options;
  const context = options.context ?? (await (await launch(name)).createBrowserContext());
  const page = await context.newPage();
  open.push(page);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String((error as Error)?.message ?? error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  openRequests.set(page, followRequests(page));
  await page.setViewport({ width, height: 900 });
  await page.evaluateOnNewDocument(note);
  if (options.before) await page.evaluateOnNewDocument(options.before, options.beforeArgument ?? 0);
  if (options.serviceWorkers === false)
    await page.evaluateOnNewDocument(() => {
      Object.defineProperty(Navigator.prototype, "serviceWorker", { value: undefined });
    });
  const url = options.url ?? servers[isolated ? "isolated" : "plain"]!.url;
  await page.goto(`${url}#${fragment}`);
  await page.waitForSelector("#status");
  // The theme's button goes from the system's theme to light, then to dark.
  if (dark) for (let i = 0; i < 2; i++) await page.click("#theme");
  return { page, errors };
}

/**
 * Waits until the page has fetched what it fetches by itself: test images are drawn, and the kernels are there. A page that is
 * left before breaks these requests off, and where a service worker is to answer one, Firefox reports each as an error
 * ("Failed to load ‘’. A ServiceWorker intercepted the request and encountered an unexpected error").
 */
export async function fetched(page: Page): Promise<void> {
  await page.waitForSelector(".samples canvas");
  await page.waitForFunction(() =>
    performance.getEntriesByType("resource").some(({ name }) => /\/simd-[\w-]+\.js$/.test(name)),
  );
  // The icon is the browser's request, of which the page knows nothing. Puppeteer's own idleness would wait for what the
  // document before a reload had asked for, too.
  const requests = openRequests.get(page)!;
  let idle = performance.now();
  while (performance.now() - idle < 500) {
    if (requests.size > 0) idle = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Text of the first element that fits. */
export function textOf(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, (element) => element.textContent ?? "");
}

/** Waits until the text of an element matches. */
export async function waitForText(page: Page, selector: string, pattern: RegExp): Promise<string> {
  try {
    await page.waitForFunction(
      (where, source) => new RegExp(source, "s").test(document.querySelector(where)?.textContent ?? ""),
      { timeout: 30_000, polling: 50 },
      selector,
      pattern.source,
    );
  } catch (error) {
    const got = await page.evaluate(
      (where) =>
        `${document.querySelector(where)?.textContent} | ${document.querySelector("#notices")?.textContent}`,
      selector,
    );
    throw new Error(`waited for ${pattern} in ${selector}, but it says: ${got}`, { cause: error });
  }
  return textOf(page, selector);
}

/** Trains with the settings of the address until the test has ended. */
export async function train(page: Page): Promise<void> {
  await page.waitForSelector(".samples canvas");
  await page.click("#train");
  await waitForText(page, "#status", /epochs? trained/);
}

/** Bytes of the last file that the visitor was given, once there are so many. */
export async function savedFile(page: Page, count = 1): Promise<{ name: string; bytes: Uint8Array }> {
  await page.waitForFunction((n) => window.noted.saved.length >= n, { timeout: 20_000, polling: 50 }, count);
  const { name, base64 } = await page.evaluate(async () => {
    const { name, blob } = window.noted.saved.at(-1)!;
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { name, base64: btoa(text) };
  });
  return { name, bytes: new Uint8Array(Buffer.from(base64, "base64")) };
}

/** Drops files on the page, or on a part of it, as a visitor's file manager does. */
export async function dropFiles(
  page: Page,
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  where = "body",
): Promise<void> {
  await page.evaluate(
    (given, selector) => {
      const target = document.querySelector(selector)!;
      const data = new DataTransfer();
      for (const { name, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name));
      }
      for (const type of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString("base64") })),
    where,
  );
}

interface Axe {
  run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
}
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds on the page as it stands. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: Axe };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  });
}

export function violations(page: Page): Promise<string[]> {
  return page.evaluate(() => window.noted.violations);
}
