// The second entry of the builds called -all.

/** Tells that this build has the kernels of further/, too. */
export function allKernels(): void {}
