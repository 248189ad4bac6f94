import { elements } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file-error.ts";
import { show } from "../../options/show.ts";
import { floatsAt, NUMBER_TYPES, type TypeName } from "../../safetensors/number-types.ts";
import { findTensors, SafetensorsError } from "../../safetensors/safetensors.ts";
import { type Files, onlyFile, type PortableWeights } from "../portable.ts";
import { readStateDict } from "./state-dict.ts";

/** What files of torch.save() began with before version 1.6: a pickle of this number. */
const OLD_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const WIDTHS = Object.fromEntries(Object.entries(NUMBER_TYPES).map(([type, { width }]) => [type, width]));

/** Weights as PyTorch saves them: a state_dict as safetensors, or as a zip archive with a pickle. */
export async function read(files: Files): Promise<PortableWeights> {
  const bytes = onlyFile(files);
  if (bytes[0] === 0x80 && bytes[8] !== 0x7b) throw oldPickle(bytes);
  if (bytes[0] !== 0x50 || bytes[8] === 0x7b) return readSafetensors(bytes);
  const { tensors, under } = readStateDict(bytes);
  return { tensors, layout: "torch", ...(under !== undefined && { from: show(under) }) };
}

function oldPickle(bytes: Uint8Array): ModelFileError {
  const old = OLD_MAGIC.every((byte, i) => bytes[i + 2] === byte);
  return new ModelFileError(
    "unsupported",
    old
      ? 'the file is one of torch.save() as it was before PyTorch 1.6. Write: torch.save(torch.load("m.pt", weights_only=True), "m.pt")'
      : 'the file is a pickle of Python, which is code to run, and none of torch.save(). Write: torch.save(model.state_dict(), "m.pt")',
  );
}

/** Frameworks whose kernels lie as Keras's do. */
const CHANNELS_LAST = ["tf", "keras", "flax", "jax"];

function readSafetensors(bytes: Uint8Array): PortableWeights {
  try {
    const { places, metadata } = findTensors(bytes, WIDTHS);
    const tensors = places.map(({ name, dtype, shape, content }) => ({
      name,
      shape,
      data: floatsAt(content, NUMBER_TYPES[dtype as TypeName], 0, elements(shape)),
    }));
    const names = tensors.map(({ name }) => name);
    return {
      tensors,
      layout: CHANNELS_LAST.includes(metadata.format!) ? "keras" : "torch",
      // What writes such files sorts them.
      sorted: names.every(
        (name, i) => i === 0 || places[i - 1]!.dtype !== places[i]!.dtype || names[i - 1]! <= name,
      ),
    };
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new ModelFileError("not-safetensors", error.message, { cause: error });
  }
}
