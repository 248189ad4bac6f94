import { createRequire } from "node:module";

interface Tensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** What is asked of onnxruntime here. */
export interface OnnxRuntime {
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(
      file: Uint8Array,
      options?: object,
    ): Promise<{
      readonly inputNames: readonly string[];
      readonly outputNames: readonly string[];
      run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
      release(): Promise<void>;
    }>;
  };
}

const require = createRequire(new URL("../counterparts/package.json", import.meta.url));

/** onnxruntime as Node has it, or as web pages do: WebAssembly; undefined where it is not installed (scripts/counterparts.mjs). */
export function onnxRuntime(kind: "node" | "web"): OnnxRuntime | undefined {
  try {
    const runtime = require(`onnxruntime-${kind}`);
    if (kind === "web") runtime.env.wasm.numThreads = 1;
    return runtime;
  } catch {
    return undefined;
  }
}

/** What the model of an ONNX file gives for inputs, which are in the order of its own. */
export async function runOnnx(
  runtime: OnnxRuntime,
  file: Uint8Array,
  inputs: readonly { readonly data: Float32Array; readonly dims: readonly number[] }[],
): Promise<Tensor[]> {
  const session = await runtime.InferenceSession.create(file, { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    session.inputNames.map((name, i) => [
      name,
      new runtime.Tensor("float32", inputs[i]!.data, inputs[i]!.dims),
    ]),
  );
  const results = await session.run(feeds);
  const given = session.outputNames.map((name) => results[name]!);
  await session.release();
  return given;
}
