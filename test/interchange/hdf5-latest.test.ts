import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ModelFileError } from "../../src/formats/model-file.ts";
import { openHdf5 } from "../../src/interchange/hdf5/read-hdf5.ts";
import { loadModel } from "../../src/node.ts";
import { farthest, predicted } from "../support/interchange-nets.ts";
import { mutateBytes, randomOf } from "../support/mutate.ts";

const fixture = (name: string) => readFile(new URL(`../fixtures/keras/latest/${name}`, import.meta.url));
const latest = async () => new Uint8Array(gunzipSync(await fixture("latest.h5.gz")));

test("HDF5 files of the newest structures are read: many links and attributes lie in heaps", async () => {
  const bytes = await latest();
  const { inputs, outputs } = JSON.parse(
    await readFile(new URL("../fixtures/keras/latest/predicted.json", import.meta.url), "utf8"),
  );
  const { model } = await loadModel(bytes);
  await model.compile({ threads: 1, loss: "meanSquaredError" });
  expect(model.rows).toHaveLength(24);
  expect(farthest(await predicted(model, [{ shape: [2], values: inputs }]), outputs)).toBeLessThan(1e-6);
  model.dispose();
  const root = openHdf5(bytes);
  const attributes = root.attributes();
  expect(Array.from({ length: 20 }, (_, i) => attributes.get(`note ${i}`))).toEqual(
    Array.from({ length: 20 }, (_, i) => `text ${i}`),
  );
  expect(root.group("model_weights")!.names()).toEqual([...root.group("model_weights")!.names()].sort());
  expect(() => root.array("packed")!.values()).toThrow(
    "the HDF5 file has chunks of version 4, '/packed', which is not read here. Write the file without libver=\"latest\", as h5py and Keras do by default",
  );
});

test("those that are hurt are refused with an error of their own", async () => {
  const sound = await latest();
  const below = randomOf(13);
  const count = process.env.WASMGRAD_TESTS === "all" ? 2000 : 100;
  let read = 0;
  for (let i = 0; i < count; i++)
    try {
      await loadModel(mutateBytes(sound, below), { onWarning: () => {} });
      read++;
    } catch (error) {
      if (!(error instanceof ModelFileError) && !/MemoryError/.test((error as Error).name)) throw error;
    }
  expect(read).toBeLessThan(count);
}, 600_000);
