import { render } from "preact";
import "../options/other-names.ts";
import { App } from "./app.tsx";
import "./state/auto-load.ts";
import "./state/offline.ts";
import "./state/interrupted.ts";
import { findCutOff } from "./state/keeping.ts";
import { forgetKept, readKept } from "./state/kept.ts";
import { offerKept } from "./state/restore.ts";
import "./state/title.ts";
import "./state/ways-out.ts";

/** Milliseconds that the page waits for the browser's storage before it shows: what comes later shifts it. */
const PATIENCE = 200;

await Promise.race([
  Promise.all([
    readKept()
      .then((model) => model && offerKept(model))
      // What cannot be read of a damaged storage is not worth keeping.
      .catch(() => forgetKept()),
    // Where the browser keeps nothing, there is nothing to go on with.
    findCutOff().catch(() => {}),
  ]),
  new Promise((resolve) => setTimeout(resolve, PATIENCE)),
]);
render(<App />, document.getElementById("app")!);
