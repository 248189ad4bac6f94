const GIB = 2 ** 30;

/** Less holds no model. */
export const LEAST_MEMORY = 2 ** 20;
/** Bytes that WebAssembly's addresses of 32 bits reach. */
export const MOST_MEMORY = 4 * GIB;
/** Bytes of linear memory that a model may take where nothing else is asked for: weights, activations and all. */
export const DEFAULT_MAX_MEMORY = 2 * GIB;
/** Bytes that a model from a file may need for one image, where nothing else is asked for. */
export const DEFAULT_FILE_MEMORY = GIB;
