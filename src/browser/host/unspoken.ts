type Words = Readonly<Record<string, (...args: unknown[]) => string>>;

/** What workers have in place of a words.ts: calls of its functions as text, which inWords() on the page does. */
export const unspoken = new Proxy<Words>(
  {},
  {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        `\x01${JSON.stringify([name, ...args])}\x02`,
  },
);

export const engineWords = unspoken;
export const trainWords = unspoken;
