// Workers send what an error is to say, not how it is said: for the functions of a words.ts they have host/unspoken.ts, see
// scripts/bundle.mjs. The page says it, and loads the words when there is an error.
import { engineWords } from "../engine/words.ts";
import { trainWords } from "../train/words.ts";

const WORDS = { ...engineWords, ...trainWords } as unknown as Readonly<
  Record<string, (...args: unknown[]) => string>
>;

/** A text of a worker with what unspoken() left in it put into words. */
export function inWords(text: string): string {
  const [before, ...calls] = text.split("\x01");
  return before + calls.map(spoken).join("");
}

/** A call as JSON, up to its end, and the text behind it. */
function spoken(text: string): string {
  const [call, behind] = text.split("\x02") as [string, string];
  const [name, ...args] = JSON.parse(call) as [string, ...unknown[]];
  return WORDS[name]!(...args.map((arg) => (typeof arg === "string" ? inWords(arg) : arg))) + behind;
}
