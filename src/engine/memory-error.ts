/** A model takes more memory than it may, or than the system has. */
export class MemoryError extends RangeError {
  override readonly name = "MemoryError";
  /** What is wrong, without what to do. */
  readonly problem: string;
  /** GiB that would have to be allowed; undefined where that would not help. */
  readonly allow: number | undefined;

  /** @param advice what to do */
  constructor(problem: string, advice: string, options: { allow?: number; cause?: unknown } = {}) {
    super(`${problem}: ${advice}`, options);
    this.problem = problem;
    this.allow = options.allow;
  }
}
