import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

// WebKitGTK by its WebDriver, on a display of its own. A handful of calls over HTTP are all that is needed; the client
// libraries of the protocol need a newer Node than this package, or bring downloaders of browsers along.

const DRIVER = process.env.WASMGRAD_WEBKIT ?? "/usr/bin/WebKitWebDriver";
const DISPLAY_SERVER = "/usr/bin/Xvfb";
const START_MS = 30_000;

/** Why tests in WebKitGTK are skipped; "" where they are not. */
export function missingWebKit(): string {
  if (!existsSync(DRIVER))
    return "no WebKitWebDriver: install webkit2gtk-driver, or set WASMGRAD_WEBKIT to its path";
  return existsSync(DISPLAY_SERVER) ? "" : "no Xvfb: install xvfb";
}

export interface WebKit {
  open(url: string): Promise<void>;
  /** Runs the body of an async function in the page: what it returns. `args`: its arguments. */
  evaluate<T>(body: string, ...args: readonly unknown[]): Promise<T>;
  /** Waits until the body of an async function returns something true: that. */
  waitFor<T>(body: string, ...args: readonly unknown[]): Promise<T>;
  close(): Promise<void>;
}

/** Starts the browser with variables of its environment, such as LANG. */
export async function startWebKit(environment: Readonly<Record<string, string>> = {}): Promise<WebKit> {
  const started: ChildProcess[] = [];
  const end = async () => {
    // The driver first: the browser goes with it, and needs the display to do so.
    for (const child of started.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
  };
  try {
    const display = spawn(
      DISPLAY_SERVER,
      ["-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "1280x1024x24"],
      {
        stdio: ["ignore", "ignore", "ignore", "pipe"],
      },
    );
    started.push(display);
    const number = await firstLine(display, display.stdio[3] as Readable);
    const port = await freePort();
    const driver = spawn(DRIVER, [`--port=${port}`], {
      stdio: "ignore",
      env: { ...withoutLocale(), ...environment, DISPLAY: `:${number}` },
    });
    started.push(driver);
    const base = `http://127.0.0.1:${port}`;
    await ready(`${base}/status`, driver);
    return await newSession(base, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function newSession(base: string, end: () => Promise<void>): Promise<WebKit> {
  const { sessionId } = await call<{ sessionId: string }>("POST", `${base}/session`, {
    capabilities: { alwaysMatch: { timeouts: { script: 50_000, pageLoad: 50_000 } } },
  });
  const session = `${base}/session/${sessionId}`;
  const evaluate = async <T>(body: string, ...args: readonly unknown[]): Promise<T> => {
    const script = `const [args, done] = arguments;
      (async (...args) => { ${body} })(...args).then((value) => done({ value }), (error) => done({ error: String(error) + "\\n" + error?.stack }));`;
    const { value, error } = await call<{ value: T; error?: string }>("POST", `${session}/execute/async`, {
      script,
      args: [args],
    });
    if (error !== undefined) throw new Error(`in WebKit: ${error}`);
    return value;
  };
  return {
    open: (url) => call("POST", `${session}/url`, { url }),
    evaluate,
    waitFor: (body, ...args) =>
      evaluate(
        `for (;;) {
          const found = await (async (...args) => { ${body} })(...args);
          if (found) return found;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }`,
        ...args,
      ),
    async close() {
      await call("DELETE", session).catch(() => {});
      await end();
    },
  };
}

async function call<T>(method: "POST" | "DELETE", url: string, body?: unknown): Promise<T> {
  const response = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: T };
  if (response.ok) return value;
  const { error, message } = value as { error: string; message: string };
  throw new Error(`WebKitWebDriver: ${error}: ${message}`);
}

/** Waits for a server that was started to answer, for as long as its process lives. */
async function ready(url: string, child: ChildProcess): Promise<void> {
  for (const end = Date.now() + START_MS; child.exitCode === null && Date.now() < end; ) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${DRIVER} does not answer at ${url} (exit status ${child.exitCode})`);
}

async function firstLine(child: ChildProcess, stream: Readable): Promise<string> {
  const lines = createInterface(stream);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${child.spawnfile} ended with status ${code}`);
  });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
  ended.catch(() => {});
  return line;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** This process's environment, but no word on the language. */
function withoutLocale(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(LANG|LANGUAGE|LC_.*)$/.test(name)),
  );
}
