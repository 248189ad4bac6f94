// Takes the place of check.ts in the worker scripts, see scripts/bundle.mjs: what comes there was checked by the page.

export function checkOptions(): void {}

export function checkName(): void {}
