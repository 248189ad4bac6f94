import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import {
  DataError,
  type DatasetInfo,
  encodeIdxImages,
  encodeIdxLabels,
  type FileChecksum,
  type ImageSet,
  ROLES,
  type Role,
} from "../../src/data/index.ts";

/** A set whose every pixel and label differs from its neighbours', so that a shifted or swapped one is noticed. */
export function makeSet(count: number, shape: ImageSet["shape"], classes: number, salt = 0): ImageSet {
  const images = new Uint8Array(count * shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < images.length; i++) images[i] = (i * 31 + salt) % 251;
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) labels[i] = (i + salt) % classes;
  return { images, labels, count, shape };
}

/** A little dataset as a mirror would have it, with its registry entry. */
export interface TinyDataset {
  readonly info: DatasetInfo;
  readonly train: ImageSet;
  readonly test: ImageSet;
  readonly idx: Record<Role, Uint8Array>;
  readonly gz: Record<Role, Uint8Array>;
}

export const FILE_NAMES: Record<Role, string> = {
  trainImages: "train-images-idx3-ubyte.gz",
  trainLabels: "train-labels-idx1-ubyte.gz",
  testImages: "t10k-images-idx3-ubyte.gz",
  testLabels: "t10k-labels-idx1-ubyte.gz",
};

export function tinyDataset(name = "tiny", checksumOf: keyof FileChecksum = "idx", salt = 0): TinyDataset {
  const train = makeSet(12, [5, 4, 1], 3, salt);
  const test = makeSet(7, [5, 4, 1], 3, salt + 1);
  const idx = {
    trainImages: encodeIdxImages(train),
    trainLabels: encodeIdxLabels(train.labels),
    testImages: encodeIdxImages(test),
    testLabels: encodeIdxLabels(test.labels),
  };
  const gz = mapRoles((role) => new Uint8Array(gzipSync(idx[role])));
  const hashed = { idx, gz }[checksumOf];
  const info: DatasetInfo = {
    name,
    title: "Tiny",
    classNames: ["a", "b", "c"],
    shape: [5, 4, 1],
    trainCount: 12,
    testCount: 7,
    mirrors: [],
    files: mapRoles((role) => ({ name: FILE_NAMES[role], [checksumOf]: sha256Hex(hashed[role]) })),
  };
  return { info, train, test, idx, gz };
}

export function mapRoles<T>(f: (role: Role) => T): Record<Role, T> {
  return Object.fromEntries(ROLES.map((role) => [role, f(role)])) as Record<Role, T>;
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** An empty folder that is gone after the test. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files into `folder`, made if need be, and returns it. */
export async function fill(folder: string, files: Record<string, Uint8Array | string>): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** The dataset's .gz files under the names mirrors give them. */
export function gzFiles(tiny: TinyDataset): Record<string, Uint8Array> {
  return Object.fromEntries(ROLES.map((role) => [FILE_NAMES[role], tiny.gz[role]]));
}

/** Names below `folder`, sorted; those of hidden files too. */
export async function listing(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

export type Reply = (response: ServerResponse, file: string, request: IncomingMessage) => void;

export interface Mirror {
  readonly url: string;
  /** `path` of every request so far. */
  readonly requests: string[];
}

/** A mirror on 127.0.0.1 that answers with `reply`; closed, with all its connections, after the test. */
export async function startMirror(reply: Reply, log: string[] = []): Promise<Mirror> {
  const server = createServer((request, response) => {
    log.push(request.url!);
    reply(response, request.url!.split("/").at(-1)!, request);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: log };
}

/** Serves a dataset's files as they should be. */
export function serve(tiny: TinyDataset): Reply {
  const files = gzFiles(tiny);
  return (response, file) => {
    const bytes = files[file];
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  };
}

/** What `promise` rejects with; a failure if it is not a DataError. */
export async function dataErrorOf(promise: Promise<unknown>): Promise<DataError> {
  const outcome = await promise.then(
    () => "resolved",
    (error: unknown) => error,
  );
  if (!(outcome instanceof DataError))
    throw new Error(`expected a DataError, got: ${outcome}`, { cause: outcome });
  return outcome;
}
