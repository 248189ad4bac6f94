// For hosts that set no headers (GitHub Pages and the like): a service worker that adds those which threads need.
// Put this file beside the page, and `<script src="cross-origin-isolation.js"></script>` first into its head.
// It serves as both, the script that registers the worker and the worker. The first visit is loaded twice.

if (globalThis.document) isolate(document.currentScript.src);
else addHeaders();

/**
 * On the page: registers the worker, and loads the page again once the worker answers for it. Whether that was done already
 * shows by how the page was loaded. Nothing is stored: what a page notes in its session may be missing, or stale, in the
 * process that the browser gives to the same page with other headers.
 */
async function isolate(script) {
  const { serviceWorker } = navigator;
  // No worker in a private window of Firefox, or without https. Or it answers, and the page is not isolated all the same.
  // Then the page stays as it is, and trains on one thread.
  if (globalThis.crossOriginIsolated || !serviceWorker || serviceWorker.controller?.scriptURL === script)
    return;
  serviceWorker.addEventListener("controllerchange", loadAnew);
  const { active } = await serviceWorker.register(script);
  // There since an earlier visit, but passed over by a forced reload. Where it is passed over without one, as developers'
  // tools can have it, loading the page again would not end.
  const [{ type }] = performance.getEntriesByType("navigation");
  if (active && !serviceWorker.controller && type === "reload") loadAnew();
}

/**
 * Not by a reload: the page sees that it was done by that, and Chromium would keep the page that was left in its memory and
 * show it again when the isolated one is reloaded.
 */
function loadAnew() {
  const { href, pathname } = location;
  // To an address that differs in its fragment alone, if at all, the browser would only scroll.
  history.replaceState(null, "", `${pathname}?isolating`);
  location.replace(href);
}

/** In the worker: every answer with the two headers. */
function addHeaders() {
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
    event.respondWith(answer(request));
  });
}

async function answer(request) {
  const response = await fetch(request);
  // Of another origin without CORS: nothing can be changed in it.
  if (response.type === "opaque" || response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const { status, statusText } = response;
  const body = [101, 204, 205, 304].includes(status) ? null : response.body;
  return new Response(body, { status, statusText, headers });
}
