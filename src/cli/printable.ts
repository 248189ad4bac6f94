/**
 * Characters that a terminal obeys rather than shows: C0 and DEL, C1 (of which U+009B starts a control sequence as ESC [
 * does), line and paragraph separators, and the marks, embeddings, overrides and isolates of bidirectional text, which
 * make a line read as another one.
 */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const hex = (character: string, digits: number) => character.charCodeAt(0).toString(16).padStart(digits, "0");

/**
 * Text from outside (file, class and model names, arguments) made safe to print: characters that could move the cursor or
 * forge lines become escapes such as \\x1b. `lines` keeps line breaks.
 */
export function printable(text: string, lines = false): string {
  return text.replace(OBEYED, (character) => {
    if (lines && character === "\n") return character;
    return character < "\u0100" ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
  });
}

/** JSON as it is, but such characters, which only its strings can hold, in JSON's own escapes: it means the same. Line breaks stay. */
export function printableJson(json: string): string {
  return json.replace(OBEYED, (character) => (character === "\n" ? character : `\\u${hex(character, 4)}`));
}
