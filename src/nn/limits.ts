/** Layers of a model. Far more than trains; a file of a few bytes a layer could ask for millions. */
export const MAX_LAYERS = 10_000;
