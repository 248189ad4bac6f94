import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type PageServer, serveFolder } from "../../src/cli/serve/server.ts";
import { json, start, tempFolder, wasmgrad } from "./helpers.ts";

let folder: string;
let server: PageServer;

beforeAll(async () => {
  const around = await tempFolder();
  folder = join(around, "web");
  await mkdir(join(folder, "assets"), { recursive: true });
  await mkdir(join(folder, ".git"));
  await writeFile(join(around, "secret.txt"), "secret");
  await writeFile(join(folder, ".git", "config"), "secret");
  await symlink(join(around, "secret.txt"), join(folder, "link.txt"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>page</title>");
  await writeFile(join(folder, "assets", "page-1a2b.js"), "export {};");
  await writeFile(join(folder, "assets", "with space.css"), "p{}");
  await writeFile(join(folder, "data.bin"), "x");
  server = await serveFolder(folder, { port: 0, isolation: true });
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A request with the path exactly as it is given: URL and fetch() would tidy it up. */
function get(path: string, method = "GET", url = server.url): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on("error", reject).end();
  });
}

/** Status and body of a request with exactly this Host header, or none. */
function asking(host: string | undefined, url = server.url, version = "1.1"): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
      socket.write(
        `GET / HTTP/${version}\r\n${host === undefined ? "" : `Host: ${host}\r\n`}Connection: close\r\n\r\n`,
      ),
    );
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", reject).on("close", () => resolve([Number(answer.slice(9, 12)), answer]));
  });
}

describe("whom the server answers", () => {
  test.each(["localhost", "LOCALHOST:8321", "127.0.0.1", "127.0.0.1:9000", "[::1]", "[::1]:8321"])(
    "asked for as %s: with the page",
    async (host) => {
      const [status, answer] = await asking(host);
      expect(status).toBe(200);
      expect(answer).toContain("<title>page");
    },
  );

  test.each([
    "evil.example",
    "evil.example:8321",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example@localhost",
    "localhost/evil",
    "[::2]",
    "192.168.0.7",
    "",
  ])("asked for as '%s': with what to do, and nothing else", async (host) => {
    const [status, answer] = await asking(host);
    expect(status).toBe(421);
    expect(answer).toContain("only, not for");
    expect(answer).toContain("serve --host NAME");
    expect(answer).not.toContain("<title>");
  });

  test("a request that names nobody is refused", async () => {
    expect((await asking(undefined))[0]).toBe(400);
    expect((await asking(undefined, server.url, "1.0"))[0]).toBe(421);
  });

  test("a proxy's name, where it is given", async () => {
    const proxied = await serveFolder(folder, { port: 0, isolation: true, host: "Page.example" });
    onTestFinished(() => proxied.close());
    expect((await asking("page.example:443", proxied.url))[0]).toBe(200);
    expect((await asking("localhost", proxied.url))[0]).toBe(200);
    expect((await asking("other.example", proxied.url))[0]).toBe(421);
  });
});

describe("the page's server", () => {
  test("answers with files, their types, and what browsers need to know", async () => {
    const index = await get("/");
    expect(index).toMatchObject({ status: 200, body: expect.stringContaining("<title>page") });
    expect(index.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "x-content-type-options": "nosniff",
      "cache-control": "no-cache",
    });
    expect(await get("/index.html?x=1")).toMatchObject({ status: 200 });
    const script = await get("/assets/page-1a2b.js");
    expect(script.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cross-origin-embedder-policy": "require-corp",
      "cache-control": "max-age=31536000, immutable",
    });
    expect((await get("/assets/with%20space.css")).headers["content-type"]).toBe("text/css; charset=utf-8");
    expect((await get("/data.bin")).headers["content-type"]).toBe("application/octet-stream");
    expect(await get("/", "HEAD")).toMatchObject({
      status: 200,
      body: "",
      headers: { "content-length": index.headers["content-length"] },
    });
  });

  test("lets the page run its own scripts and nothing else", async () => {
    const policy = String((await get("/")).headers["content-security-policy"]);
    const directives = new Map(
      policy.split("; ").map((part) => [part.split(" ")[0], part.split(" ").slice(1)]),
    );
    expect(directives.get("default-src")).toEqual(["'none'"]);
    expect(directives.get("script-src")).toEqual(["'self'", "'wasm-unsafe-eval'"]);
    expect(directives.get("worker-src")).toEqual(["'self'"]);
    expect(directives.get("style-src")).toEqual(["'self'"]);
    expect(directives.get("frame-ancestors")).toEqual(["'none'"]);
    expect(directives.get("connect-src")).toContain("https://cdn.jsdelivr.net");
    for (const source of directives.get("connect-src")!)
      expect(source).toMatch(/^('self'|https:\/\/[\w.-]+)$/);
    expect(policy).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|\*/);
  });

  test.each([
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/assets/../../secret.txt",
    "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "/%252e%252e/secret.txt",
    "//secret.txt",
    "/link.txt",
    "/.git/config",
    "/assets",
    "/assets/",
    "/index.html/",
    "/index.html%00.js",
    "/%",
    "/constructor",
  ])("gives nothing at %s", async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain("secret\n");
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("refuses %s", async (method) => {
    expect(await get("/", method)).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  test("leaves out isolation on request", async () => {
    const plain = await serveFolder(folder, { port: 0, isolation: false });
    try {
      const { headers } = await get("/", "GET", plain.url);
      expect(headers).not.toHaveProperty("cross-origin-opener-policy");
      expect(headers).not.toHaveProperty("cross-origin-embedder-policy");
      expect(headers).toHaveProperty("content-security-policy");
    } finally {
      await plain.close();
    }
  });

  test("listens on 127.0.0.1 alone", async () => {
    const { port } = new URL(server.url);
    expect(server.url).toBe(`http://127.0.0.1:${port}/`);
    // Another address of this machine, on which a server that listens on all would answer.
    const refused = await new Promise((resolve) => {
      connect(Number(port), "127.0.0.2")
        .on("connect", () => resolve("connected"))
        .on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(refused).not.toBe("connected");
  });

  test("says so where the page is not built", async () => {
    await expect(serveFolder(join(folder, "none"), { port: 0, isolation: true })).rejects.toThrow(
      /the page is not in .*none; in a checkout, build it with `npm run build:web`/,
    );
  });
});

describe("wasmgrad serve", () => {
  test("prints the address, serves the page, and ends with Ctrl-C", async () => {
    const running = start(["serve", "--port", "0"]);
    await running.printed("Ctrl-C ends");
    running.process.kill("SIGINT");
    const { status, stdout, stderr } = await running.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^The page is at http:\/\/127\.0\.0\.1:\d+\/ \(Ctrl-C ends\)\n$/);
  });

  test("--json prints the address as a document, and SIGTERM ends it, too", async () => {
    const running = start(["serve", "--port", "0", "--json"]);
    await running.printed("}");
    running.process.kill("SIGTERM");
    const ended = await running.ended;
    expect(ended.status).toBe(0);
    expect(json(ended)).toEqual({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/) });
  });

  test("a port that is in use is one clear error", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stdout, stderr } = await wasmgrad(["serve", "--port", String(port)]);
    other.close();
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe(
      `wasmgrad: port ${port} is in use: name another one with --port, or 0 for any that is free\n`,
    );
  });

  test.each([["70000"], ["-1"], ["http"]])("refuses --port %s", async (port) => {
    expect(await wasmgrad(["serve", "--port", port])).toMatchObject({ status: 2 });
  });
});
