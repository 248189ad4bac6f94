/** Layers of a model. Far more than trains; a file of a few bytes a layer could ask for millions. */
export const MAX_LAYERS = 10_000;
/** Rows or columns that a window, its strides and its dilation may have: sizes of kernels are numbers of 32 bits. */
export const MAX_WINDOW = 2 ** 20;
