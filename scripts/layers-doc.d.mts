export function layersDoc(layers: Readonly<Record<string, unknown>>): string;
