import { useEffect, useState } from "preact/hooks";
import type { AugmentationPreview } from "../../train/preview-augmentation.ts";
import { insertLayer, placeToVary, removeLayer } from "../state/branches.ts";
import { dataset } from "../state/dataset.ts";
import { LAYER_TYPES, type LayerSpec, variesPictures } from "../state/layers.ts";
import { built, editLayers, layers, rewire, settings } from "../state/setup.ts";
import { Button, Check } from "../ui/controls.tsx";
import { imageAt, Pixels } from "../ui/pixels.tsx";
import { OptionFields } from "./option-fields.tsx";

/** What each kind does, for people who do not know its name. */
const IN_WORDS: Readonly<Record<string, string>> = {
  randomFlip: "Mirror them (not letters or digits)",
  randomTranslation: "Move them",
  randomRotation: "Turn them",
  randomZoom: "Larger, smaller",
  randomContrast: "Other contrast",
  randomBrightness: "Brighter, darker",
  randomErasing: "Blot parts out",
  randomCrop: "Take a part",
  mixUp: "Blend two",
  cutMix: "Piece two together",
};

/** Layers that vary pictures while the model trains: a box for each kind, and what training then sees. */
export function VaryPictures() {
  const own = layers.value;
  const active = own.flatMap((layer, at) => (variesPictures(layer.type) ? [{ layer, at }] : []));
  const [open, setOpen] = useState(active.length > 0);
  const types = Object.keys(LAYER_TYPES).filter(variesPictures);
  const choose = (type: string, chosen: boolean) => {
    const at = active.find(({ layer }) => layer.type === type)?.at;
    if (!chosen && at !== undefined) rewire(removeLayer(own, at));
    else
      editLayers((list) => insertLayer(list, placeToVary(list), LAYER_TYPES[type]!.start, { forAll: true }));
  };
  return (
    <details class="advanced" id="vary" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Vary pictures
        {active.length > 0 &&
          `: ${active
            .map(({ layer }) => IN_WORDS[layer.type] ?? layer.type)
            .join("; ")
            .toLowerCase()}`}
      </summary>
      <div class="advanced-body">
        <p class="lead">
          Training then sees each picture a little different every time, and the model learns what stays the
          same. Tests see them as they are.
        </p>
        <div class="fields vary-kinds">
          {types.map((type) => (
            <Check
              key={type}
              label={IN_WORDS[type] ?? LAYER_TYPES[type]!.label}
              name={type}
              checked={active.some(({ layer }) => layer.type === type)}
              onChange={(chosen) => choose(type, chosen)}
            />
          ))}
        </div>
        {active.map(({ layer, at }) => (
          <Varying key={at} layer={layer} at={at} />
        ))}
        {open && active.length > 0 && <Preview />}
      </div>
    </details>
  );
}

/** How much one of the layers does; the rest of its options is at its layer. */
function Varying({ layer, at }: { layer: LayerSpec; at: number }) {
  const { label, options } = LAYER_TYPES[layer.type]!;
  const set = (key: string, value: unknown) =>
    editLayers((list) => {
      const { [key]: _, ...others } = list[at]!;
      return list.with(at, (value === undefined ? others : { ...list[at]!, [key]: value }) as LayerSpec);
    });
  const shown = options.filter(({ rare, hidden }) => !rare && !hidden);
  if (shown.length === 0) return null;
  return (
    <fieldset class="callback-body">
      <legend>{label}</legend>
      <OptionFields of={layer.type} options={shown} values={layer} set={set} />
    </fieldset>
  );
}

/** Pictures shown of one. */
const SHOWN = 8;
/** Bytes that the layers in front may take: a few pictures. */
const MOST_MEMORY = 2 ** 28;

type Seen = { readonly preview: AugmentationPreview | undefined } | { readonly problem: string };

/** One picture as some steps of training see it; where pictures are mixed, several. */
function Preview() {
  const [draw, setDraw] = useState(0);
  const [picture, setPicture] = useState(0);
  const [seen, setSeen] = useState<Seen>();
  const { model } = built.value;
  const { dataset: name, seed, backend } = settings.value;
  const set = dataset.value?.name === name ? dataset.value.set.train : undefined;
  useEffect(() => {
    if (!model || !set) return undefined;
    let current = true;
    const size = imageAt(set, 0).length;
    import("../../train/preview-augmentation.ts")
      .then(({ mixesPictures, previewAugmentation }) => {
        const images = new Uint8Array(SHOWN * size);
        const next = Number(mixesPictures(model));
        for (let i = 0; i < SHOWN; i++) images.set(imageAt(set, (picture + next * i) % set.count), i * size);
        return previewAugmentation(model, images, { seed, backend, step: draw, maxMemory: MOST_MEMORY });
      })
      .then((preview) => {
        if (current) setSeen({ preview });
      })
      .catch((error: unknown) => {
        if (current) setSeen({ problem: (error as Error).message });
      });
    return () => {
      current = false;
    };
  }, [model, set, picture, draw, seed, backend]);
  if (!set) return <p class="lead">What training sees is shown here once the images are here.</p>;
  if (!model) return <p class="lead">What training sees is shown here once the model fits.</p>;
  if (seen && "problem" in seen) return <p class="verdict wrong">{`It cannot be shown: ${seen.problem}`}</p>;
  if (seen && !seen.preview)
    return (
      <p class="lead">Nothing varies the pictures themselves: put these layers in front of all others.</p>
    );
  const preview = seen?.preview;
  const mixes = preview?.mixes;
  const size = preview ? preview.pixels.length / SHOWN : 0;
  return (
    <div class="varied-box">
      <p class="lead">
        {mixes === undefined
          ? "Pictures as training sees them are being drawn."
          : mixes
            ? "Pictures as training sees them, mixed with each other:"
            : "One picture, and eight ways in which training may see it:"}
      </p>
      <ul class="varied" aria-label="Varied pictures" style={{ "--columns": mixes ? 4 : 5 }}>
        {!mixes && (
          <li class="original">
            <Pixels
              pixels={imageAt(set, picture % set.count)}
              shape={set.shape}
              label="The picture as it is"
            />
          </li>
        )}
        {Array.from({ length: SHOWN }, (_, i) => (
          <li key={i}>
            {preview ? (
              <Pixels
                pixels={preview.pixels.subarray(i * size, (i + 1) * size)}
                shape={preview.shape}
                label={`As training sees it, ${i + 1}`}
              />
            ) : (
              <span class="pixels blank" />
            )}
          </li>
        ))}
      </ul>
      <div class="actions">
        <Button id="another-draw" icon="restart" onClick={() => setDraw(draw + 1)}>
          Another draw
        </Button>
        <Button id="another-picture" onClick={() => setPicture(picture + (mixes ? SHOWN : 1))}>
          {mixes ? "Other pictures" : "Another picture"}
        </Button>
      </div>
    </div>
  );
}
