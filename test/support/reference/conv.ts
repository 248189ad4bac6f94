// Straightforward f64 references of convolution and pooling: NHWC images, HWIO filters.

/** Window geometry of one spatial op. H, W are the unpadded sizes of the image. */
export interface Window {
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly KH: number;
  readonly KW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly top: number;
  readonly left: number;
  readonly OH: number;
  readonly OW: number;
}

type WindowOptions = Partial<Omit<Window, "OH" | "OW" | "top" | "left">> & {
  readonly padding?: "valid" | "same";
};

/** Geometry with Keras's rules for `valid` and `same` (the odd cell of padding goes to the bottom and right). */
export function windowOf(options: WindowOptions): Window {
  const { batch = 1, H = 1, W = H, C = 1, KH = 1, KW = KH, strideH = 1, strideW = strideH } = options;
  const { dilationH = 1, dilationW = dilationH, padding = "valid" } = options;
  const axis = (size: number, kernel: number, stride: number, dilation: number) => {
    const reach = (kernel - 1) * dilation + 1;
    if (padding === "valid") return { out: Math.floor((size - reach) / stride) + 1, before: 0 };
    const out = Math.ceil(size / stride);
    return { out, before: Math.floor(Math.max(0, (out - 1) * stride + reach - size) / 2) };
  };
  const [h, w] = [axis(H, KH, strideH, dilationH), axis(W, KW, strideW, dilationW)];
  const shape = { batch, H, W, C, KH, KW, strideH, strideW, dilationH, dilationW };
  return { ...shape, top: h.before, left: w.before, OH: h.out, OW: w.out };
}

/** Calls visit(output pixel, input pixel, filter position) for every pair that lies inside of the image. */
function visitWindows(g: Window, visit: (out: number, pixel: number, position: number) => void): void {
  for (let n = 0; n < g.batch; n++)
    for (let i = 0; i < g.OH; i++)
      for (let j = 0; j < g.OW; j++)
        for (let r = 0; r < g.KH; r++)
          for (let q = 0; q < g.KW; q++) {
            const y = i * g.strideH + r * g.dilationH - g.top;
            const x = j * g.strideW + q * g.dilationW - g.left;
            if (y < 0 || x < 0 || y >= g.H || x >= g.W) continue;
            visit((n * g.OH + i) * g.OW + j, (n * g.H + y) * g.W + x, r * g.KW + q);
          }
}

/** y[batch, OH, OW, OC] of x and w[KH, KW, C, OC]. */
export function conv2d(x: ArrayLike<number>, w: ArrayLike<number>, g: Window, OC: number): Float64Array {
  const y = new Float64Array(g.batch * g.OH * g.OW * OC);
  visitWindows(g, (out, pixel, position) => {
    for (let c = 0; c < g.C; c++) {
      const v = x[pixel * g.C + c]!;
      if (v === 0) continue; // many are, behind a relu
      const row = (position * g.C + c) * OC;
      for (let o = 0; o < OC; o++) y[out * OC + o]! += v * w[row + o]!;
    }
  });
  return y;
}

/** Gradients of conv2d: dw[KH, KW, C, OC] and dx of the unpadded image. */
export function conv2dGradients(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  dy: ArrayLike<number>,
  g: Window,
  OC: number,
): { dw: Float64Array; dx: Float64Array } {
  const dw = new Float64Array(g.KH * g.KW * g.C * OC);
  const dx = new Float64Array(g.batch * g.H * g.W * g.C);
  visitWindows(g, (out, pixel, position) => {
    for (let o = 0; o < OC; o++) {
      const d = dy[out * OC + o]!;
      if (d === 0) continue; // most are, behind a pool
      for (let c = 0; c < g.C; c++) {
        const k = (position * g.C + c) * OC + o;
        dw[k]! += x[pixel * g.C + c]! * d;
        dx[pixel * g.C + c]! += w[k]! * d;
      }
    }
  });
  return { dw, dx };
}

/** Max pooling: values, and the pixel (flat index of x) that won; the first of equals, row by row. */
export function maxPool2d(x: ArrayLike<number>, g: Window): { y: Float64Array; winner: Int32Array } {
  const y = new Float64Array(g.batch * g.OH * g.OW * g.C).fill(Number.NEGATIVE_INFINITY);
  const winner = new Int32Array(y.length).fill(-1);
  visitWindows(g, (out, pixel) => {
    for (let c = 0; c < g.C; c++) {
      const [o, p] = [out * g.C + c, pixel * g.C + c];
      if (winner[o]! >= 0 && !(x[p]! > y[o]!)) {
        if (Number.isNaN(x[p]!)) y[o] = Number.NaN;
        continue;
      }
      y[o] = Number.isNaN(y[o]!) ? y[o]! : x[p]!;
      winner[o] = p;
    }
  });
  return { y, winner };
}

/** Average over the cells that lie inside of the image. */
export function averagePool2d(x: ArrayLike<number>, g: Window): Float64Array {
  const y = new Float64Array(g.batch * g.OH * g.OW * g.C);
  const count = new Int32Array(g.batch * g.OH * g.OW);
  visitWindows(g, (out, pixel) => {
    count[out]!++;
    for (let c = 0; c < g.C; c++) y[out * g.C + c]! += x[pixel * g.C + c]!;
  });
  return y.map((v, i) => v / count[Math.floor(i / g.C)]!);
}
