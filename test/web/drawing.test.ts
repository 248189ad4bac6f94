import { expect, test } from "vitest";
import { beginStroke, blank, strokes, undoStroke } from "../../src/web/state/drawing.ts";
import { type Photo, photo } from "../../src/web/state/photo.ts";

test("Undo takes back a picture and leaves what was drawn before it, then the strokes, one by one", () => {
  const [first, second] = [0.25, 0.5].map((x) => ({ x, y: x, width: 0.1 }));
  beginStroke(first!);
  beginStroke(second!);
  photo.value = { name: "three.png" } as Photo;
  undoStroke();
  expect(photo.value).toBeUndefined();
  expect(strokes.value).toEqual([[first], [second]]);
  undoStroke();
  expect(strokes.value).toEqual([[first]]);
  undoStroke();
  expect(blank.value).toBe(true);
});
