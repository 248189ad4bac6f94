import { effect, signal } from "@preact/signals";
import { loadKernels } from "../../engine/kernels.ts";
import { settings } from "./setup.ts";

/** Whether the page works without a network now, reloads included. */
export const worksOffline = signal(false);

/** Has the browser keep the page, where it can: not in private windows of some, nor without https. */
async function keepPage(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!import.meta.env.PROD || !serviceWorker) return;
  const script = new URL("offline.js", document.baseURI).href;
  // A host may have a worker of its own here, such as one that adds headers: one would put the other out.
  if (document.querySelector('script[src*="cross-origin-isolation"]')) return;
  const there = await serviceWorker.getRegistration();
  const worker = there?.active ?? there?.waiting ?? there?.installing;
  if (worker && worker.scriptURL !== script) return;
  serviceWorker.addEventListener("controllerchange", tellVersion);
  tellVersion();
  await serviceWorker.register(script);
  await serviceWorker.ready;
  if (!serviceWorker.controller)
    await new Promise((resolve) => {
      serviceWorker.addEventListener("controllerchange", resolve, { once: true });
    });
  worksOffline.value = true;
}

/** The worker clears up after older versions when it knows that none of their pages is open. */
function tellVersion(): void {
  const started = document.querySelector<HTMLScriptElement>("script[type=module][src]");
  navigator.serviceWorker.controller?.postMessage(started?.src);
}

/** When the page has loaded: nothing here is in a hurry. */
addEventListener("load", () => {
  // Where the browser keeps nothing, the page needs its network, as other pages do.
  keepPage().catch(() => {});
  // What trains is fetched before it is asked for: it is there at once then, and if the network is gone by then.
  import("../../browser/rarely.ts").catch(() => {});
  effect(() => {
    void loadKernels({ backend: settings.value.backend }).catch(() => {});
  });
});
