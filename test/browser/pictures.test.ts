import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// Pictures become the same bytes in every browser and in Node: those that Pillow reads of them.
const root = fileURLToPath(new URL("../../", import.meta.url));
const decoded: Record<string, { file: string; width: number; height: number; rgba: string }> = JSON.parse(
  await readFile(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8"),
);
/** Those without alpha: what lies behind is no matter then. */
const opaque = Object.entries(decoded).filter(([, { rgba }]) =>
  Buffer.from(rgba, "base64").every((byte, i) => i % 4 < 3 || byte === 255),
);

interface DecodingPage {
  decodeAll(files: readonly string[]): Promise<{ shape: number[]; images: number[] }[]>;
}

let server: Server;
beforeAll(async () => {
  // As an application's bundler leaves it: the decoders' wasm lies beside.
  const { outputFiles } = await build({
    stdin: {
      contents: `import { samplesFrom } from "./dist/browser.js";
globalThis.decodeAll = (files) => Promise.all(files.map(async (file) => {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const { shape, images } = await samplesFrom([new Blob([bytes])]);
  return { shape, images: [...images] };
}));`,
      resolveDir: root,
    },
    bundle: true,
    format: "esm",
    write: false,
    tsconfigRaw: "{}",
    logLevel: "error",
  });
  const file = (path: string) => readFile(new URL(`../../node_modules/@jsquash/${path}`, import.meta.url));
  const answer = (type: string, body: () => Promise<Uint8Array> | Uint8Array) => ({
    route: async (
      _: unknown,
      response: { setHeader(name: string, value: string): void; end(body: Uint8Array): void },
    ) => {
      response.setHeader("Content-Type", type);
      response.end(await body());
    },
  });
  server = await serve({
    routes: {
      "/app/app.js": answer("text/javascript", () => outputFiles[0]!.contents).route as never,
      "/app/mozjpeg_dec.wasm": answer("application/wasm", () => file("jpeg/codec/dec/mozjpeg_dec.wasm"))
        .route as never,
      "/app/webp_dec.wasm": answer("application/wasm", () => file("webp/codec/dec/webp_dec.wasm"))
        .route as never,
    },
  });
});
afterAll(() => server.close());

describe.each(BROWSERS)("%s", (name) => {
  const reason = missing(name);
  test.skipIf(reason)(`decodes pictures to the bytes of Node ${reason}`, async () => {
    const { page } = await open(name, `${server.origin}/empty.html`);
    try {
      await page.addScriptTag({ type: "module", url: "/app/app.js" });
      const got = await page.evaluate(
        (files) => (globalThis as unknown as DecodingPage).decodeAll(files),
        opaque.map(([, { file }]) => file),
      );
      opaque.forEach(([picture, { width, height, rgba }], i) => {
        expect(got[i]!.shape, picture).toEqual([height, width, 3]);
        const expected = [...Buffer.from(rgba, "base64")].filter((_, k) => k % 4 < 3);
        expect(got[i]!.images, picture).toEqual(expected);
      });
      expect(opaque.length).toBeGreaterThan(12);
    } finally {
      await closePage(page);
    }
  });
});
