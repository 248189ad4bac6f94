/** What files say that they were written by: versions whose configs these are. */
export const KERAS_VERSIONS = { 2: "2.15.0", 3: "3.15.1" } as const;
