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
    if (url === root || url === `${root}index.html`) event.respondWith(answer(page(request)));
  } else if (files.has(url) || url.startsWith(ASSETS)) event.respondWith(answer(file(event)));
});

/** Where there is nothing to answer with, the request fails as it would without this worker. */
function answer(response: Promise<Response>): Promise<Response> {
  return response.catch(() => Response.error());
}

scope.addEventListener("message", (event) => {
  if (files.has(event.data)) event.waitUntil(sweep(event.source.id));
});

/** Rejects, and this version is not installed, unless the page that the server has is the one of this version. */
async function store(): Promise<void> {
  const cache = await caches.open(CACHE);
  try {
    const requests = [root, ...files].map(
      (url) => new Request(url, { cache: url.startsWith(ASSETS) ? "default" : "no-cache" }),
    );
    await cache.addAll(requests);
    const text = await (await cache.match(root))!.text();
    // A host that is being changed may have the page of another version, whose parts are not all here.
    const [, script] = /<script\b[^>]*type="module"[^>]*\bsrc="([^"]+)"/.exec(text) ?? [];
    if (!script || !files.has(new URL(script, root).href))
      throw new Error(
        `${root} is of another version: it starts ${script}, which is not among this version's files`,
      );
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
  await scope.skipWaiting();
}

/** Milliseconds that a server may take to answer with the page, where it is kept: a network may be there that leads nowhere. */
const PATIENCE = 4000;

/** The page as the server has it, so that an update shows at the next load; without a server, as it was kept. */
async function page(request: Request): Promise<Response> {
  const kept = await match(root);
  const late = kept && new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const response = await Promise.race([fetch(request), ...(late ? [late] : [])]);
    if (!response) return kept!;
    if (response.status >= 500 && kept) return kept;
    // Where the browser's storage is full, the kept page stays as it is.
    if (response.ok) await refresh(response.clone()).catch(() => {});
    return response;
  } catch (error) {
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

/** What is kept of this version; undefined where nothing is, or the browser's storage fails. */
async function match(url: string): Promise<Response | undefined> {
  try {
    return await (await caches.open(CACHE)).match(url);
  } catch {
    return undefined;
  }
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

/** A kept file, or the server's. What comes only when it is needed, as formats of models do, is kept from then on. */
async function file(event: Fetching): Promise<Response> {
  const { request } = event;
  const kept = await keptFile(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && request.url.startsWith(ASSETS)) event.waitUntil(keep(request, response.clone()));
  return response;
}

/** Where the browser's storage is full, it comes from the server again. */
async function keep(request: Request, response: Response): Promise<void> {
  await caches
    .open(CACHE)
    .then((cache) => cache.put(request.url, response))
    .catch(() => {});
}

/** A kept file with the headers that the page has; undefined where there is none, or the browser's storage fails. */
async function keptFile(url: string): Promise<Response | undefined> {
  const kept = (await match(url)) ?? (await older(url).catch(() => undefined));
  if (!kept) return undefined;
  const index = await match(root);
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
