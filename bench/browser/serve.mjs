import { createServer } from "node:http";

const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
};

/**
 * Serves texts by path, cross-origin isolated, on 127.0.0.1 at a free port. `others`: resolves to what else lies at a path, or
 * to undefined.
 */
export async function serve(files, others = async () => {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const content = files[pathname] ?? (await others(pathname));
    if (content === undefined) return void response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
    response.setHeader("Content-Type", TYPES[pathname.split(".").at(-1)] ?? "application/octet-stream");
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
