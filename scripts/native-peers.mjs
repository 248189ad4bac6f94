// Installs the native frameworks that bench:nets trains beside wasmgrad, as bench/nets/requirements.txt pins them, into .cache/python.
// What cannot be installed is left out of the benchmark, which says so.
import { fileURLToPath } from "node:url";
import { installPython } from "./python-packages.mjs";

try {
  installPython("native-peers", fileURLToPath(new URL("../bench/nets/requirements.txt", import.meta.url)));
} catch {
  console.error("could not install PyTorch, Keras, TensorFlow and JAX: those that are missing are left out");
}
