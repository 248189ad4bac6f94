import { render } from "preact";
import { App } from "./app.tsx";
import "./state/auto-load.ts";
import "./state/title.ts";

render(<App />, document.getElementById("app")!);
