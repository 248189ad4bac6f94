// Datasets by name in a browser: runs in a worker, which may take its time.
import { type DatasetInfo, ROLES, type Role } from "./dataset-info.ts";
import { generateDigits } from "./digits.ts";
import { downloadFile } from "./download.ts";
import { DataError } from "./errors.ts";
import type { DigitsOptions, Progress } from "./load-options.ts";
import type { Dataset } from "./types.ts";
import { assembleDataset, verifyFile } from "./verify.ts";
import { WebStore } from "./web-store.ts";

/** What is to be loaded; everything in it can be sent to a worker. */
export type DataRequest =
  | { readonly digits: DigitsOptions }
  | {
      readonly info: DatasetInfo;
      /** Absolute URLs of folders, tried in this order. */
      readonly mirrors: readonly string[];
      /** Whether the browser's storage is used. */
      readonly storage: boolean;
      readonly stallTimeoutMs?: number | undefined;
      readonly retryDelayMs?: number | undefined;
    };
export type DataResult = Dataset;

interface Hooks {
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
  onNotice(message: string): void;
}

/** Generates, or reads from the browser's storage, or downloads, and verifies. Throws DataError, or the signal's reason. */
export async function loadInWorker(request: DataRequest, hooks: Hooks): Promise<Dataset> {
  if ("digits" in request) return generateDigits(request.digits);
  const { info, storage } = request;
  const store = storage ? await openStore(info, hooks) : undefined;
  const files: Partial<Record<Role, Uint8Array>> = {};
  for (const role of ROLES) {
    hooks.signal.throwIfAborted();
    const { name } = info.files[role];
    const kept = await readKept(info, role, store, hooks);
    if (kept) {
      files[role] = kept;
      continue;
    }
    const { mirrors, stallTimeoutMs, retryDelayMs } = request;
    const { signal, onProgress } = hooks;
    const { raw, idx } = await downloadFile(info, role, {
      mirrors,
      stallTimeoutMs,
      retryDelayMs,
      signal,
      onProgress,
    });
    files[role] = idx;
    await store?.write(name, raw);
  }
  return assembleDataset(info, files as Record<Role, Uint8Array>);
}

function openStore(info: DatasetInfo, { onNotice }: Hooks): Promise<WebStore> {
  return WebStore.open(info.name, (reason) =>
    onNotice(
      `${info.title}: the browser's storage cannot keep the files: ${reason}. The data is complete, but the next visit will download it again.`,
    ),
  );
}

/** The unpacked file from the store, if it is there and whole. */
async function readKept(
  info: DatasetInfo,
  role: Role,
  store: WebStore | undefined,
  { onNotice }: Hooks,
): Promise<Uint8Array | undefined> {
  const { name } = info.files[role];
  const raw = await store?.read(name);
  if (!raw) return undefined;
  try {
    return (await verifyFile(info, role, raw, `${info.title}: ${name} in the browser's storage`)).idx;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    onNotice(`${error.message} Fetching it again.`);
    return undefined;
  }
}
