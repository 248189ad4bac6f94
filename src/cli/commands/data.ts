import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { ARCHIVES, type ArchiveInfo, findArchive } from "../../data/archives.ts";
import { defaultCacheDir } from "../../data/cache.ts";
import { DATASET_NAMES, DATASETS, GENERATED } from "../../data/datasets.ts";
import { findFiles, isComplete, missingNames } from "../../data/files.ts";
import { DATA_ENV } from "../../data/load.ts";
import { isKnown } from "../../run/config.ts";
import { loadDataset } from "../../sources/load.ts";
import { COMMANDS } from "../command-names.ts";
import { UsageError } from "../errors.ts";
import { withInterrupt } from "../interrupt.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { dataDirOption, nonEmpty, offlineOption } from "../options.ts";
import { formatCount, formatTable, type Output, printable } from "../output.ts";
import { DownloadProgress } from "../progress.ts";
import { invocation } from "../run/next-steps.ts";
import { exportCommand } from "./data-export.ts";
import { previewCommand } from "./data-preview.ts";

const FETCHED = [...Object.keys(DATASETS), ...Object.keys(ARCHIVES)];

export function dataCommand(): Command {
  const list = addCommonOptions(
    createCommand("list", "List the datasets, and where they are on this machine"),
  )
    .addHelpText("after", "\nExamples:\n  wasmgrad data list\n  wasmgrad data list --json")
    .action((options: CommonOptions) => perform(options, listDatasets));
  const fetchOne = addCommonOptions(
    createCommand(
      "fetch",
      "Download a dataset into the cache, checked by SHA-256; what is there is not fetched again",
    )
      .argument("<name>", FETCHED.join(", "))
      .optionsGroup("Data:")
      .addOption(dataDirOption())
      .addOption(offlineOption())
      .addOption(
        new Option("--mirror <url>", "folder to download from, in place of the built-in mirrors").argParser(
          nonEmpty,
        ),
      ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  wasmgrad data fetch mnist\n  wasmgrad data fetch kmnist --mirror http://example.org/kmnist/",
    )
    .action((name: string, options: FetchOptions & CommonOptions) =>
      perform(options, (output) => fetchDataset(name, options, output)),
    );
  return createCommand("data", COMMANDS.data.does)
    .helpCommand("help [command]", "print a command's help")
    .addCommand(list, { isDefault: true })
    .addCommand(fetchOne)
    .addCommand(previewCommand())
    .addCommand(exportCommand());
}

interface Listed {
  readonly name: string;
  readonly title: string;
  readonly shape: readonly number[];
  readonly classes: number;
  readonly train: number;
  readonly test: number;
  /** The folder that holds it; absent where it is not on this machine, and for digits. */
  readonly folder?: string;
  readonly state: "generated" | "here" | "incomplete" | "not here";
  /** Files that an incomplete folder lacks. */
  readonly missing?: readonly string[];
}

export async function listDatasets(output: Output): Promise<void> {
  const datasets: Listed[] = [
    {
      name: GENERATED,
      title: "Generated handwritten-looking digits: the default",
      shape: [28, 28, 1],
      classes: 10,
      train: 12_000,
      test: 2_000,
      state: "generated",
    },
  ];
  for (const info of Object.values(DATASETS)) {
    const { name, title, shape, classNames, trainCount, testCount } = info;
    const place = await locate(name);
    datasets.push({
      name,
      title,
      shape,
      classes: classNames.length,
      train: trainCount,
      test: testCount,
      ...place,
    });
  }
  for (const info of Object.values(ARCHIVES)) {
    const { name, title, shape, classes, trainCount: train, testCount: test } = info;
    datasets.push({ name, title, shape, classes, train, test, ...(await locateArchive(info)) });
  }
  const rows = datasets.map((d) => [
    d.name,
    d.shape.join("x"),
    String(d.classes),
    formatCount(d.train),
    formatCount(d.test),
    whereabouts(d),
  ]);
  output.print(formatTable([["dataset", "images", "classes", "train", "test", "where"], ...rows], "<<>>><"));
  output.print();
  output.print(
    `Cache: ${printable(defaultCacheDir())}. Any folder of pictures or IDX files, .npz or .csv file is a dataset too: --dataset path/to/it.`,
  );
  output.document({ cache: defaultCacheDir(), datasets });
}

async function locate(name: string): Promise<Pick<Listed, "folder" | "state" | "missing">> {
  for (const folder of foldersOf(name)) {
    const found = await findFiles(folder);
    if (isComplete(found)) return { folder: resolve(folder), state: "here" };
    if (Object.keys(found).length > 0)
      return { folder: resolve(folder), state: "incomplete", missing: missingNames(found) };
  }
  return { state: "not here" };
}

async function locateArchive({ name, file }: ArchiveInfo): Promise<Pick<Listed, "folder" | "state">> {
  const { cifarFolderIn } = await import("../../sources/archive.ts");
  for (const folder of foldersOf(name)) {
    const there = existsSync(join(folder, file)) || (await cifarFolderIn(folder)) !== undefined;
    if (there) return { folder: resolve(folder), state: "here" };
  }
  return { state: "not here" };
}

/** Where a dataset may be on this machine. */
function foldersOf(name: string): string[] {
  const user = process.env[DATA_ENV];
  return [...(user ? [join(user, name)] : []), join(defaultCacheDir(), name)];
}

function whereabouts({ name, state, folder = "", missing = [] }: Listed): string {
  if (state === "generated") return "generated, needs no download";
  if (state === "not here") return `not here: ${invocation()} data fetch ${name}`;
  return state === "here" ? printable(folder) : `${printable(folder)} (lacks ${missing.join(", ")})`;
}

interface FetchOptions {
  readonly dataDir?: string;
  readonly offline?: boolean;
  readonly mirror?: string;
}

export async function fetchDataset(name: string, options: FetchOptions, output: Output): Promise<void> {
  const archive = findArchive(name);
  if (!isKnown(name))
    throw new UsageError(
      `dataset '${printable(name)}' cannot be fetched: expected one of ${FETCHED.join(", ")} (${DATASET_NAMES.at(-1)} needs no download)`,
    );
  if (name === GENERATED) {
    output.print(`${GENERATED} is generated: it needs no download.`);
    output.document({ name, state: "generated" });
    return;
  }
  await withInterrupt(undefined, async (signal) => {
    const progress = new DownloadProgress(output);
    try {
      const { train, test } = await loadDataset(name, {
        dataDir: options.dataDir,
        offline: options.offline,
        signal,
        onProgress: (state) => progress.update(state),
        onNotice: (message) => output.notice(message),
        ...(options.mirror !== undefined && { mirrors: [options.mirror] }),
      });
      progress.stop();
      const folder = options.dataDir ?? (await (archive ? locateArchive(archive) : locate(name))).folder;
      output.print(
        `${name} is here, whole and verified: ${formatCount(train.count)} training and ${formatCount(test.count)} test images${folder ? ` in ${printable(folder)}` : ""}`,
      );
      output.document({
        name,
        state: folder ? "here" : "not kept",
        folder,
        train: train.count,
        test: test.count,
      });
    } finally {
      progress.stop();
    }
  });
}
