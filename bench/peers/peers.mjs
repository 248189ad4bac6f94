/**
 * The contenders, in the order of the table. `id` is what --only matches (whole, or up to a dash).
 *
 * `turns`: measured in turns with the others that say so, a process for each turn, because the machine drifts and
 * their ratio is what matters. The rest are one or more orders of magnitude away and measured once.
 */
export const PEERS = [
  {
    id: "wasmgrad-simd",
    name: "wasmgrad",
    backend: "wasm simd",
    adapter: "wasmgrad",
    variant: "simd",
    package: "../..",
    turns: true,
  },
  {
    id: "wasmgrad-relaxed",
    name: "wasmgrad",
    backend: "wasm relaxed simd",
    adapter: "wasmgrad",
    variant: "relaxed",
    package: "../..",
    turns: true,
  },
  {
    id: "wasmgrad-simd-node24",
    name: "wasmgrad",
    backend: "wasm simd, Node 24",
    adapter: "wasmgrad",
    variant: "simd",
    package: "../..",
    turns: true,
    node24: true,
  },
  {
    id: "wasmgrad-relaxed-node24",
    name: "wasmgrad",
    backend: "wasm relaxed simd, Node 24",
    adapter: "wasmgrad",
    variant: "relaxed",
    package: "../..",
    turns: true,
    node24: true,
  },
  { id: "torch", name: "PyTorch", backend: "native", python: "torch_peer.py", turns: true },
  {
    id: "convnetjs",
    name: "ConvNetJS",
    backend: "JavaScript",
    adapter: "convnetjs",
    package: "node_modules/convnetjs",
    oneThread: "ConvNetJS has no threads",
  },
  {
    id: "jax",
    name: "jax-js",
    backend: "wasm, jit, lax.conv",
    adapter: "jax",
    variant: "conv",
    package: "node_modules/@jax-js/jax",
    oneThread: "jax-js needs a global Worker for threads, which Node lacks",
  },
  {
    id: "jax-matmul",
    name: "jax-js",
    backend: "wasm, jit, conv written as matmul",
    adapter: "jax",
    variant: "matmul",
    package: "node_modules/@jax-js/jax",
    oneThread: "jax-js needs a global Worker for threads, which Node lacks",
  },
  {
    id: "tfjs-wasm",
    name: "TensorFlow.js",
    backend: "wasm simd, layers",
    adapter: "tfjs",
    variant: "wasm layers",
    turns: true,
    package: "node_modules/@tensorflow/tfjs-backend-wasm",
    oneThread: "TensorFlow.js turns wasm threads off in Node (tensorflow/tfjs#3830)",
  },
  {
    id: "tfjs-wasm-matmul",
    name: "TensorFlow.js",
    backend: "wasm simd, conv written as matmul",
    adapter: "tfjs",
    variant: "wasm matmul",
    package: "node_modules/@tensorflow/tfjs-backend-wasm",
    oneThread: "TensorFlow.js turns wasm threads off in Node (tensorflow/tfjs#3830)",
  },
  {
    id: "tfjs-cpu",
    name: "TensorFlow.js",
    backend: "cpu, layers",
    adapter: "tfjs",
    variant: "cpu layers",
    package: "node_modules/@tensorflow/tfjs-backend-cpu",
    oneThread: "the cpu backend of TensorFlow.js has no threads",
  },
  {
    id: "tfjs-cpu-matmul",
    name: "TensorFlow.js",
    backend: "cpu, conv written as matmul",
    adapter: "tfjs",
    variant: "cpu matmul",
    package: "node_modules/@tensorflow/tfjs-backend-cpu",
    oneThread: "the cpu backend of TensorFlow.js has no threads",
  },
];

/** The peers that the names of --only choose, or all. Throws RangeError on a name that matches none. */
export function choosePeers(names) {
  if (!names) return PEERS;
  const matches = (name) => PEERS.filter(({ id }) => id === name || id.startsWith(`${name}-`));
  const chosen = new Set();
  for (const name of names) {
    const found = matches(name);
    if (found.length === 0)
      throw new RangeError(`--only: '${name}' is no peer: expected ${PEERS.map(({ id }) => id).join(", ")}`);
    for (const peer of found) chosen.add(peer);
  }
  return PEERS.filter((peer) => chosen.has(peer));
}
