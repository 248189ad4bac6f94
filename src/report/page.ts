import { type Markup, markup } from "./markup.ts";
import { PAGE_STYLE } from "./style.ts";

/** Forbids everything but what the page carries in itself, so that no name in the data could do harm. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** One HTML file: no script, nothing fetched. For light and dark screens of any width, and paper. `style`: what it has beside its own. */
export function htmlPage(title: string, body: Markup, style?: Markup): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="wasmgrad">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}${style}</style>
</head>
<body>
<div class="wrap">
${body}
</div>
</body>
</html>
`.text;
}
