export function abiSource(dir?: URL, dispatch?: string): string;
export function writeAbi(): void;
