export function abiSource(dir?: URL): string;
export function writeAbi(): void;
