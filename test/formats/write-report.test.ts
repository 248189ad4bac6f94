import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeReport } from "../../src/formats/write-report.ts";
import { dense, flatten, sequential } from "../../src/node.ts";
import { createReport } from "../../src/train/report.ts";
import { makeSet, tempFolder } from "../data/helpers.ts";

test("writeReport() writes what createReport() gives, in folders that it makes, and nothing where that fails", async () => {
  const folder = await tempFolder();
  const path = join(folder, "reports", "first", "report.html");
  const model = sequential([flatten({ inputShape: [5, 4, 1] }), dense({ units: 3, activation: "softmax" })]);
  await model.compile({ threads: 1 });
  try {
    const train = makeSet(12, [5, 4, 1], 3);
    const history = await model.fit(train, { epochs: 1 });
    const dataset = { name: "tiny", classNames: ["a", "b", "c"], train, test: train };
    await expect(writeReport(path, model, { dataset } as never)).rejects.toThrow(/history is missing/);
    expect(await readdir(folder)).toEqual([]);
    await writeReport(path, model, { dataset, history });
    const timeless = (html: string) => html.replace(/<time .*?<\/time>/g, "");
    const expected = await createReport(model, { dataset, history });
    expect(timeless(await readFile(path, "utf8"))).toBe(timeless(expected));
    expect(await readdir(join(folder, "reports", "first"))).toEqual(["report.html"]);
  } finally {
    model.dispose();
  }
});
