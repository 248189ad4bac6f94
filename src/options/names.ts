// Which of the names that there are is meant by one that there is not.

/** Names that others use, bare and with blanks between them, by the right one. */
export type Others = Readonly<Record<string, string>>;

/** What other frameworks call things: see other-names.ts. */
export interface OtherNames {
  /** Only where spelling alone does not tell. */
  readonly others: Others;
  /** What there is not, and what there is instead. */
  readonly absent: readonly (readonly [RegExp, string])[];
  /** Where an option belongs, if it was given to another function. */
  readonly homes: readonly (readonly [names: string, line: string])[];
}

let known: OtherNames = { others: {}, absent: [], homes: [] };

/** From here on what others call things is known, too. Pages that train have no room for it. */
export function knowOtherNames(names: OtherNames): void {
  known = names;
}

/** The name without what conventions differ in: kernel_size, --kernel-size and kernelSize are one. */
function bare(name: string): string {
  return name
    .slice(0, 60)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

/** The one of `names` that is meant, by another framework's name or convention alone. */
function synonym(name: string, names: readonly string[], others: Others = {}): string | undefined {
  const wanted = bare(name);
  const has = (table: Others, candidate: string) =>
    Object.hasOwn(table, candidate) && table[candidate]!.split(" ").includes(wanted);
  return (
    names.find((candidate) => bare(candidate) === wanted) ??
    names.find((candidate) => has(known.others, candidate) || has(others, candidate))
  );
}

/**
 * The one of `names` that is most likely meant; undefined where none is near.
 * @param others more names of what they are
 */
export function nearest(name: string, names: readonly string[], others?: Others): string | undefined {
  const same = synonym(name, names, others);
  if (same !== undefined || absent(name) !== undefined) return same;
  const wanted = bare(name);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const far = distance(wanted, bare(candidate));
    if (far < least && far <= Math.max(1, Math.floor(Math.min(wanted.length, candidate.length) / 3)))
      [best, least] = [candidate, far];
  }
  return best;
}

/** Letters of names in a message: a file may have any number of them, of any length. */
const MOST_LETTERS = 2000;

/** What to say of a name that is none of `names`: a sentence without its full stop. */
export function adviceOn(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  if (near !== undefined) return `did you mean ${near.slice(0, 60)}?`;
  const home = known.homes.find(([keys]) => synonym(name, keys.split(" ")) !== undefined);
  return (
    absent(name) ??
    (home ? `it belongs into ${home[1]}` : `expected ${names.join(", ").slice(0, MOST_LETTERS) || "none"}`)
  );
}

/** What there is in place of a thing that does not exist. */
export function absent(name: string): string | undefined {
  const wanted = bare(name);
  return known.absent.find(([pattern]) => pattern.test(wanted))?.[1];
}

/** Letters to insert, remove, replace or swap with their neighbour to make b of a. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [row, above] = [[i], rows[i - 1]!];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
