// The page's service worker: after one visit the page loads and trains without a network. The build writes it to
// offline.js, with the list of the page's files and a version made of their content.
// A library for this (Workbox) would be larger than all of it, and answers with the headers that it once stored, where
// a page must have those of the server as it is now: they decide whether there are threads.

/** What the build fills in. */
declare const VERSION: string;
declare const FILES: readonly string[];

/** The part of a service worker's scope that is used here: TypeScript's library for it excludes the page's. */
interface Scope {
  readonly registration: { readonly scope: string; readonly installing: unknown; readonly waiting: unknown };
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window" }): Promise<readonly { readonly id: string; readonly url: string }[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: Lasting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
  addEventListener(type: "message", listener: (event: Telling) => void): void;
}
interface Lasting {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Telling extends Lasting {
  readonly source: { readonly id: string };
  /** Address of the script that a page has been started by. */
  readonly data: string;
}

const scope = globalThis as unknown as Scope;
const root = scope.registration.scope;
/** Caches of this page: other pages of the origin have theirs. */
const PREFIX = `wasmgrad-page ${root} `;
const CACHE = `${PREFIX}${VERSION}`;
const files = new Set(FILES.map((file) => root + file));
/** Names below it carry a hash of the content: whatever lies there under a name never changes. */
const ASSETS = `${root}assets/`;
/** Headers that a page and its workers must agree on. */
const ISOLATION = [
  "Cross-Origin-Opener-Policy",
  "Cross-Origin-Embedder-Policy",
  "Cross-Origin-Resource-Policy",
];

scope.addEventListener("install", (event) => event.waitUntil(store()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = request.url.replace(/[?#].*$/, "");
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    if (url === root || url === `${root}index.html`) event.respondWith(page(request));
  } else if (files.has(url) || url.startsWith(ASSETS)) event.respondWith(file(request));
});

scope.addEventListener("message", (event) => {
  if (files.has(event.data)) event.waitUntil(sweep(event.source.id));
});

async function store(): Promise<void> {
  const cache = await caches.open(CACHE);
  const requests = [root, ...files].map(
    (url) => new Request(url, { cache: url.startsWith(ASSETS) ? "default" : "no-cache" }),
  );
  await cache.addAll(requests);
  await scope.skipWaiting();
}

/** The page as the server has it, so that an update shows at the next load; without a server, as it was kept. */
async function page(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
    if (response.ok) await refresh(response.clone());
    return response;
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(root);
    if (kept) return kept;
    throw error;
  }
}

/** The same page with other headers takes the place of the kept one. Another page belongs to the next version. */
async function refresh(response: Response): Promise<void> {
  const cache = await caches.open(CACHE);
  const [kept, text] = [await cache.match(root), await response.text()];
  if (kept && (await kept.text()) === text)
    await cache.put(root, new Response(text, { headers: response.headers }));
}

/** Removes what older versions kept, where the one page that is open is of this version: others may yet load parts. */
async function sweep(page: string): Promise<void> {
  const windows = await scope.clients.matchAll({ type: "window" });
  const names = await caches.keys();
  // A version to come has its cache before it is in charge.
  const { installing, waiting } = scope.registration;
  if (installing || waiting || windows.some(({ id, url }) => id !== page && url.startsWith(root))) return;
  for (const name of names) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
}

async function file(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = (await cache.match(request.url)) ?? (await older(request.url));
  if (!kept) return fetch(request);
  const index = await cache.match(root);
  const headers = new Headers(kept.headers);
  for (const name of ISOLATION) {
    const value = index?.headers.get(name);
    if (value) headers.set(name, value);
    else headers.delete(name);
  }
  return new Response(kept.body, { headers });
}

/** A file of an older version, for a page of it that is still open. */
async function older(url: string): Promise<Response | undefined> {
  for (const name of await caches.keys()) {
    const found = name.startsWith(PREFIX) ? await (await caches.open(name)).match(url) : undefined;
    if (found) return found;
  }
  return undefined;
}
