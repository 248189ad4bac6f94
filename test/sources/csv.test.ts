import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { DataError } from "../../src/data/errors.ts";
import { parseCsv } from "../../src/sources/csv.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { dataErrorOf, fill, tempFolder } from "../data/helpers.ts";

const parse = (text: string) => parseCsv(new TextEncoder().encode(text), "data.csv");

describe("parseCsv", () => {
  test("MNIST's form: the class first, no line of names", () => {
    expect(parse("7,0,255,3,4\n1,9,8,7,6\n7,1,1,1,1\n")).toEqual({
      pixels: Uint8Array.of(0, 255, 3, 4, 9, 8, 7, 6, 1, 1, 1, 1),
      labels: ["7", "1", "7"],
      width: 4,
      label: "first",
    });
  });

  test.each([
    ["a line of names", "label,p0,p1\n3,1,2\n4,5,6", "first", ["3", "4"], [1, 2, 5, 6]],
    ["the class last by its name", "p0,p1,class\n1,2,3\n5,6,3\n", "last", ["3", "3"], [1, 2, 5, 6]],
    [
      "the class last, as its column has fewer values",
      "9,1,1\n8,2,0\n7,3,1\n6,4,0",
      "last",
      ["1", "0", "1", "0"],
      [9, 1, 8, 2, 7, 3, 6, 4],
    ],
    ["a last column that is one value", "1,0,0\n2,5,0\n3,5,0", "first", ["1", "2", "3"], [0, 0, 5, 0, 5, 0]],
    ["names of classes", "1,2,cat\n3,4,dog", "last", ["cat", "dog"], [1, 2, 3, 4]],
    [
      "CRLF, a byte order mark, quotes, blanks, an empty end",
      '\ufeff"label";"a";"b"\r\n"1"; 2 ;"3"\r\n2;4;5\r\n\r\n',
      "first",
      ["1", "2"],
      [2, 3, 4, 5],
    ],
    ["tabs and floats that are whole", "1\t2.0\t3.\n2\t4\t5.00", "first", ["1", "2"], [2, 3, 4, 5]],
    [
      "a border of images that is nearly all zeros, as Fashion-MNIST's",
      Array.from({ length: 40 }, (_, i) => `${i % 10},9,${i === 20 ? 31 : i === 21 ? 3 : 0}`).join("\n"),
      "first",
      Array.from({ length: 40 }, (_, i) => `${i % 10}`),
      Array.from({ length: 40 }, (_, i) => [9, i === 20 ? 31 : i === 21 ? 3 : 0]).flat(),
    ],
    [
      "lines sorted by class",
      Array.from({ length: 3000 }, (_, i) => `${Math.floor(i / 1500)},${i % 7}`).join("\n"),
      "first",
      Array.from({ length: 3000 }, (_, i) => `${Math.floor(i / 1500)}`),
      Array.from({ length: 3000 }, (_, i) => i % 7),
    ],
    [
      "names with separators in quotes",
      'class,"a, b",c\n"shirt, ""top""",1,2\n"boot",3,"4"',
      "first",
      ['shirt, "top"', "boot"],
      [1, 2, 3, 4],
    ],
    ["a name in quotes last", '1,2,"cat, black"\r\n3,4,dog\r\n', "last", ["cat, black", "dog"], [1, 2, 3, 4]],
    ["one line", "5,1,2", "first", ["5"], [1, 2]],
  ])("%s", (_, text, label, labels, pixels) => {
    const table = parse(text);
    expect([table.label, table.labels, [...table.pixels]]).toEqual([label, labels, pixels]);
  });

  test.each([
    ['a,"b,c\n1,2,3', /line 2 has more than 2 columns/],
    ["1,2,3\n1,2", /line 2 has 2 columns; expected 3/],
    ["1,2,3\n1,2,3,4", /line 2 has more than 3 columns/],
    ["label,a,b\n1,2,256", /line 2, column 3 is "256"; expected a pixel/],
    ["label,a,b\n1,2,-1", /line 2, column 3 is "-1"/],
    ["label,a,b\n1,0.5,1", /line 2, column 2 is "0.5"/],
    ["label,a,b\n1,,1", /line 2, column 2 is ""/],
    ["label,a,b\n,1,1", /line 2, column 1 is empty; expected a class/],
    ["label,a,b\n", /line 1 is the only one/],
    ["", /line 1 is ""; expected a class and pixels, with commas/],
    ["hello", /line 1 is "hello"/],
  ])("%j is refused by line and column", (text, said) => {
    expect(() => parse(text)).toThrow(said);
    expect(() => parse(text)).toThrow(DataError);
  });
});

describe("a table as a dataset", () => {
  const rows = (n: number, pixels: number) =>
    Array.from({ length: n }, (_, i) =>
      [i % 2, ...Array.from({ length: pixels }, (_, k) => (i + k) % 256)].join(","),
    ).join("\n");

  test("keeps a share of each class for the test", async () => {
    const folder = await fill(await tempFolder(), { "data.csv": rows(20, 4), "wide.csv": rows(20, 6) });
    const { train, test: kept, name, classNames } = await loadDataset(join(folder, "data.csv"));
    expect([train.count, kept.count, train.shape, name, classNames]).toEqual([
      16,
      4,
      [2, 2, 1],
      "data",
      ["0", "1"],
    ]);
    const wide = join(folder, "wide.csv");
    expect((await dataErrorOf(loadDataset(wide))).message).toMatch(
      /6 numbers for each image, which make no square/,
    );
    expect((await loadDataset(wide, { imageSize: [2, 3] })).train.shape).toEqual([2, 3, 1]);
    // Two tables that may each be the one.
    expect((await dataErrorOf(loadDataset(folder))).message).toMatch(/it holds a table/);
  });

  test("is joined by the one for the test beside it, gzipped or not", async () => {
    const folder = await fill(await tempFolder(), {
      "mnist_train.csv.gz": gzipSync(rows(6, 4)),
      "mnist_test.csv": rows(3, 4),
    });
    const notices: string[] = [];
    for (const path of [folder, join(folder, "mnist_train.csv.gz")]) {
      const { train, test: kept, name } = await loadDataset(path, { onNotice: (text) => notices.push(text) });
      expect([name, train.count, kept.count, [...kept.images.subarray(0, 4)]]).toEqual([
        "mnist",
        6,
        3,
        [0, 1, 2, 3],
      ]);
    }
    // Of the second table alone it would be the last column.
    const sides = await fill(await tempFolder(), {
      "train.csv": "0,7\n1,9\n0,200",
      "test.csv": "1,1\n1,0\n1,1",
    });
    expect([...(await loadDataset(join(sides, "train.csv"))).test.labels]).toEqual([1, 1, 1]);
    expect(notices[0]).toBe("mnist_test.csv beside mnist_train.csv.gz is taken for the test.");
  });

  test("classes may be names; what is none is refused", async () => {
    const folder = await fill(await tempFolder(), {
      "named.csv": "dog,1\ncat,2\ndog,3\ncat,4\n",
      "large.csv": "300,1\n2,2\n",
    });
    const {
      classNames,
      train,
      test: kept,
    } = await loadDataset(join(folder, "named.csv"), { testSplit: 0.5 });
    expect(classNames).toEqual(["cat", "dog"]);
    expect([...train.labels, ...kept.labels].sort()).toEqual([0, 0, 1, 1]);
    expect((await dataErrorOf(loadDataset(join(folder, "large.csv")))).message).toMatch(
      /"300".*numbers up to 255/,
    );
  });
});
