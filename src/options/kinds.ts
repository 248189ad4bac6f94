/** What values an option takes, and what messages say of it. */
export interface Kind<T> {
  /** What follows "expected" in a message. */
  readonly expected: string;
  readonly accepts: (value: unknown) => value is T;
  /** A value that fits, for the line that a message shows. Default: the option's own name, as a variable. */
  readonly example?: unknown;
  /** The values, where they are names: a wrong one is answered with the nearest. */
  readonly names?: readonly string[];
  /** What it is made of, where it is an object of options itself. */
  readonly table?: Table;
  /** What is wrong with a value that is accepted at first sight, and what to write; undefined where nothing is. */
  problem?(value: T): string | undefined;
}

/** The options of one function: every name, and what it takes. A value of undefined is always as good as none. */
// biome-ignore lint/suspicious/noExplicitAny: a table holds kinds of all types
export type Table = Readonly<Record<string, Kind<any>>>;

/** A table for options that are described by an interface: exactly its names. */
export type TableOf<Options> = {
  readonly [K in keyof Options]-?: undefined extends Options[K]
    ? Kind<Exclude<Options[K], undefined>>
    : Needed<Options[K]>;
};

/** An option that has to be given. */
export type Needed<T> = Kind<T> & { readonly needed: true };
/** An option with a default: a value, or a function of the options before it. */
export type Defaulted<T> = Kind<T> & {
  readonly default: T | ((before: Readonly<Record<string, unknown>>) => T);
};

type ValueOf<K> = K extends Kind<infer T> ? T : never;

/** What a function with this table takes. */
export type OptionsOf<T extends Table> = {
  [K in keyof T as T[K] extends { needed: true } ? K : never]: ValueOf<T[K]>;
} & {
  [K in keyof T as T[K] extends { needed: true } ? never : K]?: ValueOf<T[K]> | undefined;
};

/** The options with their defaults filled in. */
export type Filled<T extends Table> = {
  readonly [K in keyof T]: T[K] extends { needed: true } | { default: unknown }
    ? ValueOf<T[K]>
    : ValueOf<T[K]> | undefined;
};

/** @param example a value for the line that a message shows */
export function needed<T>(kind: Kind<T>, example: unknown = kind.example): Needed<T> {
  return { ...kind, example, needed: true };
}

export function optional<T>(kind: Kind<T>, fallback: NoInfer<Defaulted<T>["default"]>): Defaulted<T> {
  return { ...kind, default: fallback, ...(typeof fallback !== "function" && { example: fallback }) };
}

/** Whatever `accepts` takes: for objects of a class, functions, and other values that no message can write out. */
export function some<T>(expected: string, accepts: (value: unknown) => boolean, example?: unknown): Kind<T> {
  return { expected, accepts: accepts as Kind<T>["accepts"], example };
}

export function whole(least = 1, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  return some(
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number >= ${least}`
      : `a whole number from ${least} to ${most.toLocaleString("en-US")}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    Math.max(1, least),
  );
}

/** A finite number, `low <= x < high`; with `open`, `low < x`. */
export function real(low: number, high = Number.POSITIVE_INFINITY, open = false): Kind<number> {
  return some(
    `a number ${open ? ">" : ">="} ${low}${high < Number.POSITIVE_INFINITY ? ` and < ${high}` : ""}`,
    (value) =>
      typeof value === "number" &&
      Number.isFinite(value) &&
      (open ? value > low : value >= low) &&
      value < high,
    high <= 1 ? 0.5 : 1,
  );
}

export function oneOf<T extends string>(names: readonly T[]): Kind<T> {
  return {
    expected: `one of ${names.join(", ")}`,
    accepts: (value): value is T => names.includes(value as T),
    example: names[0],
    names,
  };
}

export const flag: Kind<boolean> = /* @__PURE__ */ some(
  "true or false",
  (value) => typeof value === "boolean",
  true,
);

export const text: Kind<string> = /* @__PURE__ */ some("a text", (value) => typeof value === "string");

// biome-ignore lint/suspicious/noExplicitAny: whatever the function takes
export function callable<T extends (...args: any[]) => unknown>(expected = "a function"): Kind<T> {
  return some(expected, (value) => typeof value === "function");
}

/** An object of options of its own. */
export function group<T>(table: TableOf<T>): Kind<T> {
  return { ...some<T>("an object of options", isOptions, {}), table };
}

export const signal: Kind<AbortSignal> = /* @__PURE__ */ some(
  "an AbortSignal",
  (value) => isObject(value) && typeof value.aborted === "boolean",
);

export const url: Kind<string | URL> = /* @__PURE__ */ some(
  "a URL",
  (value) => (typeof value === "string" && value !== "") || value instanceof URL,
);

/** Neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object that may hold options: not what the language itself has for other things, such as a Map or a typed array. */
export function isOptions(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** The options with their defaults; one that was not given and has none is left out. */
export function withDefaults<T extends Table>(table: T, given: Readonly<Record<string, unknown>>): Filled<T> {
  const filled: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(table)) {
    const fallback = "default" in kind ? kind.default : undefined;
    const value = given[key] ?? (typeof fallback === "function" ? fallback(filled) : fallback);
    if (value !== undefined) filled[key] = value;
  }
  return filled as Filled<T>;
}
