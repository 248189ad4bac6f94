export function dispatchSource(dir?: URL): string;
export function writeDispatch(): void;
