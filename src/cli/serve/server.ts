import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { commonHeaders } from "../../page-headers.ts";
import { fileReason, UsageError } from "../errors.ts";
import { printable } from "../output.ts";
import { contentType } from "./content-type.ts";

/** Nobody but this machine reaches it. */
const HOST = "127.0.0.1";
/** What a browser on this machine, or a tunnel to it, calls it; the port may be the tunnel's. */
const OWN_NAMES = ["localhost", "127.0.0.1", "[::1]"];

export interface ServeOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Send the headers that threads need. */
  readonly isolation: boolean;
  /** A name, besides this machine's own, that the page may be asked for by: a proxy's. */
  readonly host?: string | undefined;
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
 * Throws ServeError, UsageError where the port is taken.
 */
export async function serveFolder(
  folder: string,
  { port, isolation, host }: ServeOptions,
): Promise<PageServer> {
  const files = await listFiles(folder);
  if (!files.has("/index.html"))
    throw new ServeError(
      `the page is not in ${printable(folder)}; in a checkout, build it with \`npm run build:web\``,
    );
  const headers = commonHeaders(isolation);
  const names = new Set([...OWN_NAMES, ...(host === undefined ? [] : [host.toLowerCase()])]);
  const server = createServer((request, response) => {
    const asked = hostName(request.headers.host);
    if (asked === undefined || !names.has(asked)) {
      misdirected(response, headers, asked);
      return;
    }
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

/** The name in a Host header, without its port; undefined where there is none. */
function hostName(header: string | undefined): string | undefined {
  return /^(\[[\da-f:.]+\]|[^\s/:@[\]]+)(?::\d+)?$/i.exec(header ?? "")?.[1]?.toLowerCase();
}

/**
 * A page elsewhere can make its own name lead to this machine, and would then be of one origin with what is served here:
 * a request that does not ask for this machine gets nothing.
 */
function misdirected(
  response: ServerResponse,
  headers: Record<string, string>,
  asked: string | undefined,
): void {
  plain(
    response,
    421,
    headers,
    `this server answers for ${OWN_NAMES.join(", ")} only, not for ${asked === undefined ? "a request without a host" : printable(asked)}; behind a proxy start it with \`wasmgrad serve --host NAME\``,
  );
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
