export function filesBelow(root: string, path: string): string[];
