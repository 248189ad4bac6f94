import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type DownloadOptions, downloadFile, type FetchLike, type Progress } from "../../src/data/index.ts";
import { dataErrorOf, type Reply, serve, startMirror, tinyDataset } from "./helpers.ts";

const FILE = "train-images-idx3-ubyte.gz";
const tiny = tinyDataset();
const bytes = tiny.gz.trainImages;
const QUICK = { retryDelayMs: 1 };

const status =
  (code: number): Reply =>
  (response) =>
    void response.writeHead(code).end("no");

const get = (mirrors: { url: string }[], options: DownloadOptions = {}) =>
  downloadFile(tiny.info, "trainImages", { ...QUICK, mirrors: mirrors.map(({ url }) => url), ...options });

describe("downloadFile", () => {
  it("delivers the raw and the unpacked file, and reports its progress", async () => {
    const mirror = await startMirror(serve(tiny));
    const progress: Progress[] = [];
    const file = await get([mirror], { onProgress: (p) => progress.push(p) });
    expect(file.raw).toEqual(bytes);
    expect(file.idx).toEqual(tiny.idx.trainImages);
    expect(progress[0]).toEqual({ file: FILE, received: 0, total: bytes.length });
    expect(progress.at(-1)).toEqual({ file: FILE, received: bytes.length, total: bytes.length });
    expect(mirror.requests).toEqual([`/${FILE}`]);
  });

  it("accepts mirror URLs with a path, with and without a slash at the end", async () => {
    const mirror = await startMirror(serve(tiny));
    await get([{ url: `${mirror.url}/a/b` }]);
    await get([{ url: `${mirror.url}/a/b/` }]);
    expect(mirror.requests).toEqual([`/a/b/${FILE}`, `/a/b/${FILE}`]);
  });

  it("uses the registry's mirrors by default, in order", async () => {
    const log: string[] = [];
    const first = await startMirror(status(404), log);
    const second = await startMirror(serve(tiny), log);
    const mirrors = [first, second].map(({ url }, i) => ({ url: `${url}/${i}`, cors: false }));
    await downloadFile({ ...tiny.info, mirrors }, "trainImages", QUICK);
    expect(log).toEqual([`/0/${FILE}`, `/1/${FILE}`]);
  });

  it("says once why a browser's fetch failed: there the error has no cause of its own", async () => {
    const failing = () => Promise.reject(new TypeError("Failed to fetch"));
    const error = await dataErrorOf(get([{ url: "https://mirror.invalid" }], { fetch: failing }));
    expect(error.message).toMatch(/\/train-images-idx3-ubyte\.gz: Failed to fetch$/);
  });

  it("tries every mirror in order, those with passing faults twice, and gives every reason once", async () => {
    const log: string[] = [];
    const other = tinyDataset("other", "idx", 9);
    const faults: [Reply, RegExp][] = [
      [status(404), /HTTP 404 Not Found/],
      [status(503), /HTTP 503 Service Unavailable/],
      [serve(other), /SHA-256 of the unpacked IDX file is [0-9a-f]{64}; expected [0-9a-f]{64}/],
      [(response) => void response.destroy(), /fetch failed/],
      [cutAt(bytes.length >> 1), /terminated/],
      [(response) => void response.end("<html>captive portal</html>"), /may be a web page/],
      [
        (response) => void response.writeHead(200, { "content-length": 5e9 }).write("x"),
        /sends 5000000000 bytes/,
      ],
      [(response) => void response.end(bytes.subarray(0, -20)), /damaged or cut off/],
    ];
    const mirrors = [];
    for (const [i, [reply]] of faults.entries()) {
      mirrors.push({ url: `${(await startMirror(reply, log)).url}/${i}` });
    }
    const error = await dataErrorOf(get(mirrors));
    expect(log.map((path) => path[1])).toEqual([..."01234567", ..."134"]);
    expect(error.code).toBe("download");
    const [head, ...reasons] = error.message.split("\n");
    expect(head).toBe(`Tiny: no mirror delivered ${FILE}:`);
    expect(reasons).toHaveLength(8);
    for (const [i, at] of [0, 1, 2, 3, 4, 5, 6, 7].entries()) {
      expect(reasons[i]).toContain(`${mirrors[at]!.url}/${FILE}: `);
      expect(reasons[i]).toMatch(faults[at]![1]);
      expect(reasons[i]!.split(FILE)).toHaveLength(2);
    }
  });

  it("recovers in the second round from a fault that passes", async () => {
    let calls = 0;
    const mirror = await startMirror((...args) =>
      calls++ === 0 ? status(500)(...args) : serve(tiny)(...args),
    );
    expect((await get([mirror])).idx).toEqual(tiny.idx.trainImages);
    expect(mirror.requests).toHaveLength(2);
  });

  it.each<[string, Reply]>([
    ["before the headers", () => {}],
    ["in the body", (response) => void response.writeHead(200, { "content-length": 999 }).write("x")],
  ])("gives up a mirror that stalls %s, and closes the connection", async (_, reply) => {
    const closed = vi.fn();
    const stalling = await startMirror((response, file, request) => {
      request.socket.once("close", closed);
      reply(response, file, request);
    });
    const good = await startMirror(serve(tiny));
    expect((await get([stalling, good], { stallTimeoutMs: 60 })).raw).toEqual(bytes);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));

    const error = await dataErrorOf(get([stalling], { stallTimeoutMs: 60 }));
    expect(error.message).toMatch(/stalled: nothing came for 60 ms/);
  });

  it("does not call a slow mirror stalled while bytes keep coming", async () => {
    const parts = 8;
    const size = Math.ceil(bytes.length / parts);
    const slow = await startMirror(async (response) => {
      for (let i = 0; i < parts; i++) {
        response.write(bytes.subarray(i * size, (i + 1) * size));
        await new Promise((done) => setTimeout(done, 40));
      }
      response.end();
    });
    const progress: Progress[] = [];
    const file = await get([slow], { stallTimeoutMs: 200, onProgress: (p) => progress.push(p) });
    expect(file.raw).toEqual(bytes);
    expect(slow.requests).toHaveLength(1);
    // No length was announced, and each part was seen on its own.
    expect(progress[0]).toEqual({ file: FILE, received: 0 });
    expect(progress.length).toBeGreaterThan(3);
  });

  it.each([
    ["a byte every 29 seconds", 1, 29_000, /too slow: 0 bytes a second for 58 s, expected at least 4096/],
    [
      "4,000 bytes every second",
      4000,
      1000,
      /too slow: 4000 bytes a second for 30 s, expected at least 4096/,
    ],
  ])("gives up a mirror that drips: %s", async (_, size, everyMs, message) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const asked: number[] = [];
    const drip: FetchLike = async () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            asked.push(performance.now());
            await new Promise((done) => setTimeout(done, everyMs));
            controller.enqueue(new Uint8Array(size));
          },
        }),
      );
    const big = { ...tiny.info, trainCount: 60_000 };
    const began = performance.now();
    const failed = dataErrorOf(
      downloadFile(big, "trainImages", { mirrors: ["mem:drip"], fetch: drip, retryDelayMs: 1000 }),
    );
    await vi.advanceTimersByTimeAsync(200_000);
    expect((await failed).message).toMatch(message);
    // Twice, as its failure may pass; then nothing is asked of it any more.
    expect(asked.at(-1)! - began).toBeLessThan(2 * 60_000);
  });

  it("keeps a mirror that is slow, but not too slow, for as long as it takes", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let sent = 0;
    const slow: FetchLike = async () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise((done) => setTimeout(done, 1000));
            if (sent >= 2 ** 20) controller.close();
            else controller.enqueue(new Uint8Array(4200));
            sent += 4200;
          },
        }),
      );
    const big = { ...tiny.info, trainCount: 60_000 };
    const failed = dataErrorOf(downloadFile(big, "trainImages", { mirrors: ["mem:steady"], fetch: slow }));
    await vi.advanceTimersByTimeAsync(400_000);
    // All of it came; what came is no file.
    expect((await failed).message).not.toMatch(/slow|stalled/);
    expect(sent).toBeGreaterThan(2 ** 20);
  });

  it("stops reading a body that has no end, and closes the connection", async () => {
    const closed = vi.fn();
    const endless = await startMirror((response) => {
      response.once("close", closed);
      const chunk = new Uint8Array(4096);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more);
      more();
    });
    let most = 0;
    const error = await dataErrorOf(
      get([endless], {
        onProgress: ({ received }) => {
          most = Math.max(most, received);
        },
      }),
    );
    // 16 + 12 * 5 * 4 bytes of IDX, a thousandth and 4096 for gzip.
    expect(error.message).toMatch(/bytes or more; the file can't have more than 4353/);
    expect(most).toBeLessThan(4354);
    expect(endless.requests).toHaveLength(1);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
  });

  it("rejects with the signal's reason on abort: before, during, and between rounds", async () => {
    const reason = new Error("enough");
    const mirror = await startMirror(status(503));
    await expect(get([mirror], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(mirror.requests).toHaveLength(0);

    const hanging = await startMirror((response) => void response.writeHead(200).write("x"));
    const during = new AbortController();
    const aborted = get([hanging, mirror], {
      signal: during.signal,
      onProgress: ({ received }) => received > 0 && during.abort(reason),
    });
    await expect(aborted).rejects.toBe(reason);
    expect(mirror.requests).toHaveLength(0);

    const between = new AbortController();
    const paused = get([mirror], { signal: between.signal, retryDelayMs: 60_000 });
    await vi.waitFor(() => expect(mirror.requests).toHaveLength(1));
    setTimeout(() => between.abort(reason), 20);
    await expect(paused).rejects.toBe(reason);
  });

  it("takes an injected fetch, even one that ignores its signal", async () => {
    const calls: string[] = [];
    const deaf: FetchLike = (url) => {
      calls.push(url);
      return url.startsWith("mem:bad") ? new Promise(() => {}) : Promise.resolve(new Response(bytes.slice()));
    };
    const file = await get([{ url: "mem:bad" }, { url: "mem:good" }], { fetch: deaf, stallTimeoutMs: 30 });
    expect(file.raw).toEqual(bytes);
    expect(calls).toEqual([`mem:bad/${FILE}`, `mem:good/${FILE}`]);
  });

  it("notices a body shorter than announced even if fetch does not", async () => {
    const short: FetchLike = async () =>
      new Response(bytes.slice(0, 9), { headers: { "content-length": "100" } });
    const error = await dataErrorOf(get([{ url: "mem:x" }], { fetch: short }));
    expect(error.message).toMatch(/the body ended after 9 of 100 bytes/);
  });

  it("does not take a decoded body's announced length at its word", async () => {
    const headers = { "content-length": "9", "content-encoding": "gzip" };
    const decoded: FetchLike = async () => new Response(tiny.idx.trainImages.slice(), { headers });
    expect((await get([{ url: "mem:x" }], { fetch: decoded })).idx).toEqual(tiny.idx.trainImages);
  });

  it("refuses what it can't verify: a plain file where only the .gz checksum is known", async () => {
    const byGz = tinyDataset("tiny", "gz");
    const plain: FetchLike = async () => new Response(byGz.idx.trainImages.slice());
    const error = await dataErrorOf(
      downloadFile(byGz.info, "trainImages", { ...QUICK, mirrors: ["mem:x"], fetch: plain }),
    );
    expect(error.message).toMatch(/can't be verified/);
  });

  it("says so if there is no mirror at all", async () => {
    expect((await dataErrorOf(get([]))).message).toMatch(/there is none to try/);
  });
});

function cutAt(sent: number): Reply {
  return (response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, sent), () => response.destroy());
  };
}
