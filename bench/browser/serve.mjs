import { createServer } from "node:http";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8" };

/** Serves texts by path, cross-origin isolated, on 127.0.0.1 at a free port. */
export async function serve(files) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const text = files[pathname];
    if (text === undefined) return void response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
    response.setHeader("Content-Type", TYPES[pathname.split(".").at(-1)]);
    response.end(text);
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
