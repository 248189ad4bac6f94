// For hosts that set no headers (GitHub Pages and the like): a service worker that adds those which threads need.
// Put this file beside the page, and `<script src="cross-origin-isolation.js"></script>` first into its head.
// It serves as both, the script that registers the worker and the worker. The first visit is loaded twice.

if (globalThis.document) isolate(document.currentScript.src);
else addHeaders();

/** On the page: registers the worker, and loads the page again once the worker answers for it. */
async function isolate(script) {
  const { serviceWorker } = navigator;
  if (globalThis.crossOriginIsolated) return sessionStorage.removeItem("isolating");
  // No worker in a private window of Firefox, or without https. Or the page was loaded again already, in vain. It stays
  // as it is then, and trains on one thread.
  if (!serviceWorker || sessionStorage.getItem("isolating")) return;
  sessionStorage.setItem("isolating", "yes");
  serviceWorker.addEventListener("controllerchange", () => location.reload());
  const { active } = await serviceWorker.register(script);
  // There since an earlier visit, but passed over by a forced reload.
  if (active && !serviceWorker.controller) location.reload();
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
