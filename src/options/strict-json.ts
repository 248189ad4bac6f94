/**
 * JSON.parse(), but a key that an object has twice is an error: parsers differ in which of the two they take, so that a
 * file could mean one thing to whoever checks it and another to whoever runs it. Linear in the text, however it is nested.
 * Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  refuseDuplicates(text);
  return value;
}

/** `text` is known to be JSON: a string followed by a colon is a key, and nothing else is. */
function refuseDuplicates(text: string): void {
  /** The keys so far of each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(undefined);
    else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const first = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      last = text.slice(first, at + 1);
    } else if (character === ":") {
      // Parsed, as two spellings of one key, "a" and "\u0061", are the same key.
      const key = JSON.parse(last) as string;
      const keys = open.at(-1)!;
      if (keys.has(key))
        throw new SyntaxError(`an object has the key ${last.slice(0, 60)} twice: leave one of them out`);
      keys.add(key);
    }
  }
}
