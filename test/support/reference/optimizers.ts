// Keras's update formulas in f64. Each factory returns a function that applies one step to w in place.

export type Update = (w: Float64Array, g: ArrayLike<number>, learningRate: number) => void;

const decay = (w: Float64Array, learningRate: number, weightDecay: number) => {
  for (const i of w.keys()) w[i]! -= w[i]! * learningRate * weightDecay;
};

export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }): Update {
  let m: Float64Array | undefined;
  return (w, g, learningRate) => {
    m ??= new Float64Array(w.length);
    decay(w, learningRate, weightDecay);
    for (const i of w.keys()) {
      const step = learningRate * g[i]!;
      m[i] = momentum * m[i]! - step;
      if (momentum === 0) w[i]! -= step;
      else w[i]! += nesterov ? momentum * m[i]! - step : m[i]!;
    }
  };
}

export function rmsprop({
  rho = 0.9,
  momentum = 0,
  epsilon = 1e-7,
  centered = false,
  weightDecay = 0,
}): Update {
  let state: { v: Float64Array; a: Float64Array; m: Float64Array } | undefined;
  return (w, g, learningRate) => {
    const zeros = () => new Float64Array(w.length);
    state ??= { v: zeros(), a: zeros(), m: zeros() };
    const { v, a, m } = state;
    decay(w, learningRate, weightDecay);
    for (const i of w.keys()) {
      v[i] = rho * v[i]! + (1 - rho) * g[i]! ** 2;
      a[i] = rho * a[i]! + (1 - rho) * g[i]!;
      const variance = centered ? v[i]! - a[i]! ** 2 : v[i]!;
      const u = (learningRate * g[i]!) / Math.sqrt(variance + epsilon);
      m[i] = momentum * m[i]! + u;
      w[i]! -= momentum === 0 ? u : m[i]!;
    }
  };
}

export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0 }): Update {
  let state: { m: Float64Array; v: Float64Array } | undefined;
  let t = 0;
  return (w, g, learningRate) => {
    state ??= { m: new Float64Array(w.length), v: new Float64Array(w.length) };
    const { m, v } = state;
    t++;
    decay(w, learningRate, weightDecay);
    const alpha = (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
    for (const i of w.keys()) {
      m[i]! += (g[i]! - m[i]!) * (1 - beta1);
      v[i]! += (g[i]! ** 2 - v[i]!) * (1 - beta2);
      w[i]! -= (alpha * m[i]!) / (Math.sqrt(v[i]!) + epsilon);
    }
  };
}
