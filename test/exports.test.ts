import { expect, test } from "vitest";
import * as browser from "../src/browser.ts";
import * as node from "../src/node.ts";

// Types of one stand for both: with "moduleResolution": "bundler" TypeScript knows no condition "node".
const asNode: typeof node = browser;
const asBrowser: typeof browser = node;

test("Node and pages export the same names, of the same types", () => {
  expect(Object.keys(asNode).sort()).toEqual(Object.keys(asBrowser).sort());
});

test("what needs files says in a page that it runs in Node, and what to use there", async () => {
  await expect(browser.loadFolder("folder")).rejects.toMatchObject({
    name: "DataError",
    code: "unsupported",
    message: expect.stringMatching(/runs in Node.*readIdxPair/),
  });
  await expect(browser.imageDatasetFromDirectory("folder")).rejects.toMatchObject({ code: "unsupported" });
  await expect(browser.writeReport("report.html", {} as never, {} as never)).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(/runs in Node.*createReport/),
  });
  expect(() => browser.defaultCacheDir()).toThrow(/there in Node.*loadDataset/);
  expect(browser.DATA_ENV).toBe(node.DATA_ENV);
});
