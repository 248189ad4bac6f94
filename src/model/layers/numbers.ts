import { type Kind, some } from "../../options/kinds.ts";

/** What the kernels compute in holds less than this. */
export const F32_END = 3.4e38;

const isNumber = (value: unknown) => typeof value === "number" && Math.abs(value) < F32_END;

/** Any number that f32 holds. */
export const finite: Kind<number> = /* @__PURE__ */ some("a finite number, below 3.4e38", isNumber, 1);

/** One number for all channels, or one for each. */
export function perChannel(
  expected: string,
  fits: (value: number) => boolean,
): Kind<number | readonly number[]> {
  const accepts = (value: unknown) => isNumber(value) && fits(value as number);
  return some(
    expected,
    (value) => accepts(value) || (Array.isArray(value) && value.length > 0 && value.every(accepts)),
    1,
  );
}
