import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileReason, UsageError } from "../errors.ts";
import { printable } from "../output.ts";
import { commonHeaders, contentType } from "./headers.ts";

/** Nobody but this machine reaches it. */
const HOST = "127.0.0.1";

export interface ServeOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Send the headers that threads need. */
  readonly isolation: boolean;
}

export interface PageServer {
  readonly url: string;
  /** Ends it, open connections included. */
  close(): Promise<void>;
}

/** The page is not there, or the port cannot be had. */
export class ServeError extends Error {
  override readonly name = "ServeError";
}

/**
 * Serves the files of a folder. They are listed once: a request gets the file of exactly its path or none, so no
 * path, however it is encoded, leads out of the folder.
 * @throws ServeError, UsageError where the port is taken
 */
export async function serveFolder(folder: string, { port, isolation }: ServeOptions): Promise<PageServer> {
  const files = await listFiles(folder);
  if (!files.has("/index.html"))
    throw new ServeError(
      `the page is not in ${printable(folder)}; in a checkout, build it with \`npm run build:web\``,
    );
  const headers = commonHeaders(isolation);
  const server = createServer((request, response) => {
    answer(files, headers, request, response).catch((error: unknown) => {
      if (!response.headersSent) plain(response, 500, headers, `cannot read the file: ${fileReason(error)}`);
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(portError(port, error)));
    server.listen(port, HOST, resolve);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portError(port: number, error: NodeJS.ErrnoException): Error {
  const reasons: Record<string, string> = { EADDRINUSE: "is in use", EACCES: "is not allowed to you" };
  const reason = reasons[error.code ?? ""];
  return reason
    ? new UsageError(`port ${port} ${reason}: name another one with --port, or 0 for any that is free`)
    : new ServeError(`cannot listen on port ${port}: ${fileReason(error)}`, { cause: error });
}

/** Path of a request to path of the file: "/assets/page.js". Links and hidden files are left out. */
async function listFiles(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const walk = async (path: string, below: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw new ServeError(`cannot read ${printable(path)}: ${fileReason(error)}`, { cause: error });
    });
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const inner = join(path, entry.name);
      if (entry.isDirectory()) await walk(inner, `${below}${entry.name}/`);
      else if (entry.isFile()) files.set(`${below}${entry.name}`, inner);
    }
  };
  await walk(folder, "/");
  return files;
}

async function answer(
  files: ReadonlyMap<string, string>,
  headers: Record<string, string>,
  { method = "", url = "" }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== "GET" && method !== "HEAD") {
    plain(
      response,
      405,
      { ...headers, Allow: "GET, HEAD" },
      `${method} is not allowed: only GET and HEAD are`,
    );
    return;
  }
  const path = requestPath(url);
  const file = path === undefined ? undefined : files.get(path === "/" ? "/index.html" : path);
  if (path === undefined || file === undefined) {
    plain(response, 404, headers, "no file of the page has this path; the page is at /");
    return;
  }
  const body = await readFile(file);
  response.writeHead(200, {
    ...headers,
    "Content-Type": contentType(extname(file)),
    "Content-Length": body.length,
    // Names under /assets/ carry a hash of the content.
    "Cache-Control": path.startsWith("/assets/") ? "max-age=31536000, immutable" : "no-cache",
  });
  response.end(method === "HEAD" ? undefined : body);
}

/** The path of a request target, decoded once; undefined where it is none. */
function requestPath(url: string): string | undefined {
  try {
    return decodeURIComponent(url.split(/[?#]/, 1)[0]!);
  } catch {
    return undefined;
  }
}

function plain(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  text: string,
): void {
  response.writeHead(status, {
    ...headers,
    "Content-Type": contentType(".txt"),
    "Cache-Control": "no-store",
  });
  response.end(`${text}\n`);
}
