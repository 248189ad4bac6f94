import { basename, dirname, resolve } from "node:path";
import type { Disk, DiskFile } from "../../src/cli/files.ts";
import type { Owner, Processes } from "../../src/cli/run/processes.ts";

interface FileNode {
  data: string;
  /** What an fsync has brought to the disk. */
  safe?: string;
}
type FolderNode = Map<string, Node>;
/** A symbolic link, to an absolute path. */
class Link {
  constructor(readonly target: string) {}
}
type Node = FileNode | FolderNode | Link;

/** A change of names. It outlives a crash for certain once every folder that it touches was synced after it. */
interface Change {
  readonly apply: (view: View) => void;
  readonly waits: Set<FolderNode>;
}

/** What a folder holds after a crash, for the folders that the crash left. */
class View {
  readonly #folders = new Map<FolderNode, FolderNode>();
  entries(folder: FolderNode): FolderNode {
    let entries = this.#folders.get(folder);
    if (!entries) {
      entries = new Map();
      this.#folders.set(folder, entries);
    }
    return entries;
  }
}

/** Ends a process: nothing that it does after this has an effect. */
export class PowerCut extends Error {}

export interface Fault {
  /** Number of the first operation that does not happen, from 0. */
  readonly at: number;
  /**
   * once: that one fails; full: from then on what needs room fails; broken: from then on all fails;
   * crash: the power goes.
   */
  readonly kind: "once" | "full" | "broken" | "crash";
  readonly code?: string;
}

const NEEDS_ROOM = new Set(["open", "write", "sync", "mkdir"]);

/**
 * A disk in memory that keeps what a crash is sure to leave apart from what programs see, as real ones do: bytes are
 * safe once their file was synced, names once their folder was, and what is not safe may or may not be there, in any
 * combination.
 */
export class CrashDisk implements Disk {
  readonly root: FolderNode = new Map();
  readonly #changes: Change[] = [];
  /** Operations so far that change something. */
  operations = 0;
  fault: Fault | undefined;
  /** Told after each operation, with what it did. */
  onOperation: ((what: string) => void) | undefined;

  #operate(kind: string, path: string, work: () => void): void {
    const number = this.operations++;
    const { fault } = this;
    if (fault && number >= fault.at) {
      if (fault.kind === "crash") throw new PowerCut();
      if (
        fault.kind === "broken" ||
        (fault.kind === "once" && number === fault.at) ||
        (fault.kind === "full" && NEEDS_ROOM.has(kind))
      )
        throw failure(fault.kind === "full" ? "ENOSPC" : (fault.code ?? "EIO"), kind, path);
    }
    work();
    this.onOperation?.(`${kind} ${path}`);
  }

  /** What has that name, the link itself where it is one. */
  #entry(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of resolve(path).split("/").filter(Boolean)) {
      const folder: Node | undefined = node instanceof Link ? this.#find(node.target) : node;
      if (folder === undefined) return undefined;
      if (!(folder instanceof Map)) throw failure("ENOTDIR", "find", path);
      node = folder.get(name);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The same; what a link leads to in its place. */
  #find(path: string): FileNode | FolderNode | undefined {
    const node = this.#entry(path);
    return node instanceof Link ? this.#find(node.target) : node;
  }

  #folder(path: string): FolderNode {
    const node = this.#find(path);
    if (node === undefined) throw failure("ENOENT", "find", path);
    if (!(node instanceof Map)) throw failure("ENOTDIR", "find", path);
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    if (node instanceof Map) throw failure("EISDIR", "open", path);
    return node;
  }

  #change(waits: FolderNode[], apply: (view: View) => void): void {
    this.#changes.push({ waits: new Set(waits), apply });
  }

  #add(path: string, node: Node): void {
    const folder = this.#folder(dirname(path));
    const name = basename(path);
    if (folder.has(name)) throw failure("EEXIST", "add", path);
    folder.set(name, node);
    this.#change([folder], (view) => view.entries(folder).set(name, node));
  }

  #remove(path: string): void {
    const folder = this.#folder(dirname(path));
    const name = basename(path);
    folder.delete(name);
    this.#change([folder], (view) => view.entries(folder).delete(name));
  }

  async open(path: string, flags: "r" | "wx"): Promise<DiskFile> {
    if (flags === "wx") this.#operate("open", path, () => this.#add(path, { data: "" }));
    const node = this.#find(path);
    if (node === undefined) throw failure("ENOENT", "open", path);
    return {
      writeFile: async (data) =>
        this.#operate("write", path, () => {
          (node as FileNode).data = String(data);
        }),
      sync: async () =>
        this.#operate("sync", path, () => {
          if (!(node instanceof Map)) node.safe = node.data;
          else for (const { waits } of this.#changes) waits.delete(node);
        }),
      close: async () => {},
    };
  }

  readFileSync(path: string): string {
    return this.#file(path).data;
  }

  writeFileSync(path: string, data: string): void {
    this.#operate("open", path, () => this.#add(path, { data: "" }));
    this.#operate("write", path, () => {
      this.#file(path).data = data;
    });
  }

  readdirSync(path: string): string[] {
    return [...this.#folder(path).keys()];
  }

  statSync(path: string): { isDirectory(): boolean } {
    const node = this.#find(path);
    if (node === undefined) throw failure("ENOENT", "stat", path);
    return { isDirectory: () => node instanceof Map };
  }

  lstatSync(path: string): { isDirectory(): boolean; isFile(): boolean } {
    const node = this.#entry(path);
    if (node === undefined) throw failure("ENOENT", "lstat", path);
    const isDirectory = node instanceof Map;
    return { isDirectory: () => isDirectory, isFile: () => !isDirectory && !(node instanceof Link) };
  }

  symlinkSync(target: string, path: string): void {
    this.#operate("symlink", path, () => this.#add(path, new Link(target)));
  }

  mkdirSync(path: string): void {
    this.#operate("mkdir", path, () => this.#add(path, new Map()));
  }

  renameSync(from: string, to: string): void {
    this.#operate("rename", `${from} ${to}`, () => {
      const [source, target] = [this.#folder(dirname(from)), this.#folder(dirname(to))];
      const [old, name] = [basename(from), basename(to)];
      const node = source.get(old);
      if (node === undefined) throw failure("ENOENT", "rename", from);
      const there = target.get(name);
      if (there instanceof Map && there.size > 0) throw failure("ENOTEMPTY", "rename", to);
      source.delete(old);
      target.set(name, node);
      this.#change([source, target], (view) => {
        // What was not there on the disk cannot be renamed on it.
        if (view.entries(source).get(old) !== node) return;
        view.entries(source).delete(old);
        view.entries(target).set(name, node);
      });
    });
  }

  unlinkSync(path: string): void {
    if (!(this.#entry(path) instanceof Link)) this.#file(path);
    this.#operate("unlink", path, () => this.#remove(path));
  }

  rmdirSync(path: string): void {
    if (this.#entry(path) instanceof Link) throw failure("ENOTDIR", "rmdir", path);
    if (this.#folder(path).size > 0) throw failure("ENOTEMPTY", "rmdir", path);
    this.#operate("rmdir", path, () => this.#remove(path));
  }

  /** How many changes of names a crash now may or may not leave. */
  get unsafe(): number {
    return this.#changes.filter(({ waits }) => waits.size > 0).length;
  }

  /**
   * The disk as a crash now leaves it.
   * @param kept which of the unsafe changes have reached the disk
   * @param torn what became of bytes that were not synced: the first `torn` of them are there, from 0 to 1
   */
  crashed(kept: (index: number) => boolean, torn: number): CrashDisk {
    const view = new View();
    let index = 0;
    for (const { waits, apply } of this.#changes) if (waits.size === 0 || kept(index++)) apply(view);
    const after = new CrashDisk();
    const copy = (from: FolderNode, to: FolderNode): void => {
      for (const [name, node] of view.entries(from)) {
        if (node instanceof Map) {
          const folder: FolderNode = new Map();
          to.set(name, folder);
          after.#change([], (view) => view.entries(to).set(name, folder));
          copy(node, folder);
        } else if (node instanceof Link) {
          to.set(name, node);
          after.#change([], (view) => view.entries(to).set(name, node));
        } else {
          const data = node.safe ?? node.data.slice(0, Math.round(node.data.length * torn));
          const file = { data, safe: data };
          to.set(name, file);
          after.#change([], (view) => view.entries(to).set(name, file));
        }
      }
    };
    copy(this.root, after.root);
    return after;
  }

  /** All of it as text, to tell disks apart. */
  print(folder: FolderNode = this.root): string {
    return [...folder]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, node]) => {
        if (node instanceof Link) return `${name}->${node.target}`;
        return node instanceof Map ? `${name}/(${this.print(node)})` : `${name}=${node.data}`;
      })
      .join(";");
  }
}

/** What a crash now may leave: each once. Every combination of unsafe changes if they are few, else a choice. */
export function crashes(disk: CrashDisk, random: () => number): CrashDisk[] {
  const n = disk.unsafe;
  const choices: ((index: number) => boolean)[] = [];
  if (n <= 7) for (let set = 0; set < 2 ** n; set++) choices.push((i) => ((set >> i) & 1) === 1);
  else {
    for (let k = 0; k <= n; k++) choices.push((i) => i < k);
    for (let k = 0; k < n; k++)
      choices.push(
        (i) => i === k,
        (i) => i !== k,
      );
    for (let k = 0; k < 64; k++) {
      const set = Array.from({ length: n }, () => random() < 0.5);
      choices.push((i) => set[i]!);
    }
  }
  const found = new Map<string, CrashDisk>();
  for (const torn of [0, 0.5, 1])
    for (const kept of choices) {
      const after = disk.crashed(kept, torn);
      found.set(after.print(), after);
    }
  return [...found.values()];
}

/** Processes of one machine, by number: all that are not `alive` are dead. */
export function testProcesses(pid: number, alive: ReadonlySet<number>): Processes {
  let locks = 0;
  const self = (): Owner => ({
    pid,
    host: "here",
    since: "2026-01-31T14:05:09.000Z",
    token: `${pid}.${locks++}`,
  });
  return {
    self,
    look: (owner) => (owner.host !== "here" ? "unknown" : alive.has(owner.pid) ? "runs" : "dead"),
    wait: async () => {},
    atExit: () => () => {},
  };
}

function failure(code: string, what: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${what} '${path}'`), { code });
}
