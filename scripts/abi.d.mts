export function abiSource(): string;
export function writeAbi(): void;
