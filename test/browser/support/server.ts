import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Answers a request for one path; what it leaves unanswered is looked up among the files. */
export type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface ServerOptions {
  /** Sends COOP and COEP, so that pages are cross-origin isolated. Default true. */
  isolated?: boolean;
  /** Further headers of every answer. */
  headers?: Readonly<Record<string, string>>;
  /** Folder that is served. Default: the package's root, so that /dist/browser.js is there. */
  root?: string;
  /** Answers of their own, by path. */
  routes?: Readonly<Record<string, Route>>;
}

export interface Server {
  /** http://127.0.0.1:PORT */
  readonly origin: string;
  close(): Promise<void>;
}

/** A static server on 127.0.0.1, at a port that is free. Every folder `/` of it answers with an empty page at /empty.html. */
export async function serve(options: ServerOptions = {}): Promise<Server> {
  const { isolated = true, headers = {}, root = ROOT, routes = {} } = options;
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (isolated) {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    const path = decodeURIComponent(new URL(request.url!, "http://localhost").pathname);
    const route = routes[path];
    if (route) return void (await route(request, response));
    if (path === "/empty.html") return void html(response, "");
    // No icon is worth a line in the console.
    if (path === "/favicon.ico") return void response.writeHead(204).end();
    const file = join(root, normalize(path));
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) return void response.writeHead(404).end(`no ${path}`);
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with a page of this body. */
export function html(response: ServerResponse, body: string): void {
  response.writeHead(200, { "Content-Type": TYPES[".html"]! });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><body>${body}`);
}
