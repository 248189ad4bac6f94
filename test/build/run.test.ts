import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { bringUpToDate, type Target } from "../../scripts/build/run.mjs";

const RUN = fileURLToPath(new URL("../../scripts/build/run.mjs", import.meta.url));

// A project of two targets: `upper` makes out/NAME.txt of each in/NAME.txt, in capitals; `whole` joins those.
const UPPER = `
const fs = require("node:fs"), path = require("node:path");
const [staging] = process.argv.slice(1);
fs.appendFileSync("log", "upper\\n");
if (fs.existsSync("broken")) { console.error("in/a.txt: it is broken"); process.exit(3); }
fs.mkdirSync(path.join(staging, "out/deep"), { recursive: true });
for (const name of fs.readdirSync("in")) {
  const text = fs.readFileSync("in/" + name, "utf8");
  const file = path.join(staging, name === "b.txt" ? "out/deep" : "out", name);
  fs.writeFileSync(file, text.toUpperCase().slice(0, 3));
  // Half of it is written: a kill may come here.
  if (fs.existsSync("slow")) { fs.writeFileSync("at-half", ""); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000); }
  fs.appendFileSync(file, text.toUpperCase().slice(3));
}`;
const WHOLE = `
const fs = require("node:fs"), path = require("node:path");
const [staging] = process.argv.slice(1);
fs.appendFileSync("log", "whole\\n");
fs.mkdirSync(path.join(staging, "out"), { recursive: true });
fs.writeFileSync(path.join(staging, "out/whole"), fs.readdirSync("out").filter((n) => n.endsWith(".txt")).map((n) => fs.readFileSync("out/" + n, "utf8")).join("+"));`;

const targetsWith = (salt = ""): Target[] => [
  {
    name: "upper",
    label: "capitals",
    inputs: ["in", "settings.json"],
    salt,
    build: (staging) => [process.execPath, ["-e", UPPER, staging]],
  },
  {
    name: "whole",
    label: "the whole",
    needs: ["upper"],
    inputs: ["out"],
    except: (path) => path === "out/whole",
    build: (staging) => [process.execPath, ["-e", WHOLE, staging]],
  },
];

let root: string;
let said: string[];
const at = (path: string) => join(root, path);
const put = (path: string, text: string) => writeFile(at(path), text);
const out = (path: string) => readFile(at(`out/${path}`), "utf8");
const build = (salt?: string) =>
  bringUpToDate({ root, targets: targetsWith(salt), goals: ["whole"], say: (line) => said.push(line) });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "wasmgrad-build-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  said = [];
  await mkdir(at("in"));
  await put("in/a.txt", "apple");
  await put("in/b.txt", "berry");
  await put("settings.json", "{}");
});

describe("a build", () => {
  test("makes all, in order, says so, and then has nothing to do", async () => {
    expect(await build()).toEqual(["upper", "whole"]);
    expect(said).toEqual(["Building capitals ...", "Building the whole ..."]);
    expect([await out("a.txt"), await out("deep/b.txt"), await out("whole")]).toEqual([
      "APPLE",
      "BERRY",
      "APPLE",
    ]);
    said = [];
    expect(await build()).toEqual([]);
    expect(said).toEqual([]);
    // Nothing is left beside the records.
    expect((await readdir(at(".cache/build"))).sort()).toEqual(["upper.json", "whole.json"]);
  });

  test("renews what an input changes, and what that changes", async () => {
    await build();
    await put("in/a.txt", "avocado");
    expect(await build()).toEqual(["upper", "whole"]);
    expect(await out("whole")).toBe("AVOCADO");
  });

  test("leaves alone what its inputs do not change, though what it needs was built", async () => {
    await build();
    const before = await stat(at("out/a.txt"));
    await put("settings.json", '{"other": 1}');
    expect(await build()).toEqual(["upper"]);
    // The file that came out the same keeps its time.
    expect((await stat(at("out/a.txt"))).mtimeMs).toBe(before.mtimeMs);
  });

  test("goes by content: a touched file, or one that is put back, is no change", async () => {
    await build();
    await utimes(at("in/a.txt"), new Date(), new Date());
    await put("in/b.txt", "banana");
    await put("in/b.txt", "berry");
    expect(await build()).toEqual([]);
    // An output that was copied, as by a backup, is what it was, too.
    await copyFile(at("out/a.txt"), at("copy"));
    await rename(at("copy"), at("out/a.txt"));
    expect(await build()).toEqual([]);
  });

  test("follows a branch switch there and back, without outputs of the other branch", async () => {
    await build();
    await rename(at("in/b.txt"), at("in/c.txt"));
    await build();
    expect((await readdir(at("out"))).sort()).toEqual(["a.txt", "c.txt", "whole"]);
    await rename(at("in/c.txt"), at("in/b.txt"));
    await build();
    expect((await readdir(at("out"))).sort()).toEqual(["a.txt", "deep", "whole"]);
    expect(await out("whole")).toBe("APPLE");
  });

  test.each([
    ["deleted", () => rm(at("out/a.txt"))],
    ["cut short", () => truncate(at("out/a.txt"), 2)],
    ["changed by hand, its length kept", () => put("out/a.txt", "APPLY")],
    ["replaced by a folder", () => rm(at("out/a.txt")).then(() => mkdir(at("out/a.txt")))],
    ["gone with all others", () => rm(at("out"), { recursive: true })],
  ])("renews an output that is %s", async (_, harm) => {
    await build();
    await harm();
    expect(await build()).toContain("upper");
    expect([await out("a.txt"), await out("deep/b.txt"), await out("whole")]).toEqual([
      "APPLE",
      "BERRY",
      "APPLE",
    ]);
  });

  test("clears away what lies in a folder that is all its own", async () => {
    await mkdir(at("out/old"), { recursive: true });
    await put("out/old/left.txt", "by a version before there were records");
    await put("out/whole", "of the other target");
    const [upper, whole] = targetsWith() as [Target, Target];
    const own: Target = { ...upper, folder: "out" };
    await bringUpToDate({ root, targets: [own, whole], goals: ["whole"], say: () => {} });
    expect((await readdir(at("out"))).sort()).toEqual(["a.txt", "deep", "whole"]);
    expect(await out("whole")).toBe("APPLE");
  });

  test("renews what another version of a tool made", async () => {
    await build("tool 1");
    expect(await build("tool 1")).toEqual([]);
    expect(await build("tool 2")).toEqual(["upper"]);
  });

  test.each(["", "{", '{"outputs": []}'])("takes a damaged record for none: %j", async (text) => {
    await build();
    await put(".cache/build/upper.json", text);
    expect(await build()).toEqual(["upper"]);
  });
});

describe("a build that fails", () => {
  test("says what failed, keeps what was there, begins nothing else, and is tried again", async () => {
    await build();
    await put("in/a.txt", "avocado");
    await put("broken", "");
    await expect(build()).rejects.toThrow("building capitals failed");
    expect([await out("a.txt"), await out("whole")]).toEqual(["APPLE", "APPLE"]);
    await expect(build()).rejects.toThrow("building capitals failed");
    await rm(at("broken"));
    expect(await build()).toEqual(["upper", "whole"]);
    expect(await out("whole")).toBe("AVOCADO");
    expect((await readFile(at("log"), "utf8")).split("\n")).toEqual([
      ...["upper", "whole", "upper", "upper", "upper", "whole", ""],
    ]);
  });

  test("does not count as done where its inputs changed meanwhile, though they are put back", async () => {
    const [upper, whole] = targetsWith() as [Target, Target];
    // Another writes an input before it is read, as an editor might.
    const late: Target = {
      ...upper,
      build: (staging) => [
        process.execPath,
        ["-e", `require("node:fs").writeFileSync("in/a.txt", "late");${UPPER}`, staging],
      ],
    };
    await bringUpToDate({ root, targets: [late, whole], goals: ["upper"], say: () => {} });
    expect(await out("a.txt")).toBe("LATE");
    await put("in/a.txt", "apple");
    expect(await build()).toEqual(["upper", "whole"]);
    expect(await out("a.txt")).toBe("APPLE");
  });
});

describe("other processes", () => {
  const children: ChildProcess[] = [];
  /** The same build in a process of its own. */
  function other() {
    const script = `
      import { bringUpToDate } from ${JSON.stringify(RUN)};
      const targets = [
        { name: "upper", label: "capitals", inputs: ["in", "settings.json"], salt: "", build: (s) => [process.execPath, ["-e", ${JSON.stringify(UPPER)}, s]] },
        { name: "whole", label: "the whole", needs: ["upper"], inputs: ["out"], except: (p) => p === "out/whole", build: (s) => [process.execPath, ["-e", ${JSON.stringify(WHOLE)}, s]] },
      ];
      const built = await bringUpToDate({ root: process.cwd(), targets, goals: ["whole"], say: (line) => process.stderr.write(line + "\\n") });
      console.log(JSON.stringify(built));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: root,
      detached: true,
    });
    children.push(child);
    let text = "";
    let errors = "";
    child.stdout.on("data", (data) => {
      text += data;
    });
    child.stderr.on("data", (data) => {
      errors += data;
    });
    const ended = new Promise<{ built: string[]; errors: string }>((resolve) =>
      child.on("close", () => resolve({ built: text ? JSON.parse(text) : [], errors })),
    );
    return { child, ended };
  }
  const until = async (path: string) => {
    while (!existsSync(at(path))) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  test("that build at once do the work once, and none sees half of it", async () => {
    const done = await Promise.all(Array.from({ length: 4 }, () => other().ended));
    expect(done.map(({ built }) => built).filter((built) => built.length > 0)).toEqual([["upper", "whole"]]);
    expect(await readFile(at("log"), "utf8")).toBe("upper\nwhole\n");
    expect(await out("whole")).toBe("APPLE");
  });

  test("that are killed in the middle of a file leave nothing that counts", async () => {
    await build();
    await put("in/a.txt", "avocado");
    await put("slow", "");
    const { child, ended } = other();
    await until("at-half");
    // Itself and the tool that it runs, as a power cut would end them.
    process.kill(-child.pid!, "SIGKILL");
    await ended;
    expect(await out("a.txt")).toBe("APPLE");
    await rm(at("slow"));
    expect(await build()).toEqual(["upper", "whole"]);
    expect(said).not.toContain("Waiting for another build ...");
    expect(await out("whole")).toBe("AVOCADO");
    expect((await readdir(at(".cache/build"))).sort()).toEqual(["upper.json", "whole.json"]);
  });

  test("wait for one that builds, and say so", async () => {
    await put("slow", "");
    const first = other();
    await until("at-half");
    const second = build();
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(said).toEqual(["Waiting for another build ..."]);
    process.kill(-first.child.pid!, "SIGKILL");
    await rm(at("slow"));
    expect(await second).toEqual(["upper", "whole"]);
  });
});
