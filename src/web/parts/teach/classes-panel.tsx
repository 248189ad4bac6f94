import { useSignal } from "@preact/signals";
import { dragging } from "../../state/drops.ts";
import { record, recording, stopRecording } from "../../state/teach/camera.ts";
import { withoutPictures } from "../../state/teach/learn.ts";
import {
  addClass,
  classes,
  MOST_CLASSES,
  nameProblem,
  removeClass,
  removePicture,
  removePictures,
  rename,
  type TaughtClass,
} from "../../state/teach/pictures.ts";
import { givenIn, takeFiles } from "../../state/teach/read.ts";
import { Button, focusSoon } from "../../ui/controls.tsx";
import { count } from "../../ui/format.ts";
import { Icon } from "../../ui/icons.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Pixels } from "../../ui/pixels.tsx";
import { ChooseFiles } from "./choose-files.tsx";

/** The classes, and the pictures of each. */
export function ClassesPanel() {
  const all = classes.value;
  return (
    <Panel
      id="taught-classes"
      heading="Classes"
      lead={
        withoutPictures.value
          ? "These classes were taught in an earlier visit, and their pictures were not kept. New pictures of at least two classes teach it anew."
          : "Name what is to be told apart, and show each: hold a button and turn the thing before the camera, or drop pictures on a class. A folder that is dropped beside them fills the classes by the names of the folders in it."
      }
      aside={
        <ChooseFiles
          id="class-folders"
          icon="folder"
          label="Folder with a folder for each class"
          folder
          take={(files) => void takeFiles(givenIn(files))}
        >
          Folder of classes
        </ChooseFiles>
      }
    >
      <div class="class-cards">
        {all.map((one, i) => (
          <ClassCard key={one.id} one={one} number={i + 1} />
        ))}
      </div>
      <div class="actions">
        <Button
          id="add-class"
          icon="plus"
          disabled={all.length >= MOST_CLASSES}
          onClick={() => {
            const { id } = addClass();
            focusSoon(`[data-taught="${id}"] .class-field`);
          }}
        >
          Add a class
        </Button>
      </div>
    </Panel>
  );
}

interface CardProps {
  readonly one: TaughtClass;
  readonly number: number;
}

function ClassCard({ one, number }: CardProps) {
  const { id, name, pictures } = one;
  const problem = nameProblem(one);
  const called = name.trim() || `class ${number}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: the name of a fieldset could not be edited
    <div
      class={`class-card${dragging.value ? " target" : ""}${recording.value === id ? " recording" : ""}`}
      role="group"
      aria-label={called}
      data-taught={id}
    >
      <div class="class-head">
        <input
          class="class-field"
          type="text"
          aria-label={`Name of class ${number}`}
          aria-invalid={problem !== undefined}
          aria-describedby={problem ? `class-problem-${id}` : undefined}
          value={name}
          maxLength={60}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => rename(id, currentTarget.value)}
        />
        <Button
          icon="close"
          iconOnly
          kind="quiet"
          onClick={() => {
            removeClass(one);
            focusSoon(".class-card .class-field");
          }}
        >
          {`Remove ${called}`}
        </Button>
      </div>
      {problem && (
        <p class="class-problem" id={`class-problem-${id}`}>
          {problem}
        </p>
      )}
      <div class="actions">
        <Record id={id} called={called} />
        <ChooseFiles
          id={`pictures-${number}`}
          icon="open"
          label={`Pictures of ${called}`}
          accept="image/*"
          take={(files) => void takeFiles(givenIn(files), id)}
        >
          Pictures
        </ChooseFiles>
      </div>
      <Thumbs one={one} called={called} />
      <p class="class-count">
        <span>{`${count(pictures.length)} picture${pictures.length === 1 ? "" : "s"}`}</span>
        {pictures.length > 0 && (
          <button type="button" class="link" onClick={() => removePictures(one)}>
            Remove all
            <span class="visually-hidden">{` pictures of ${called}`}</span>
          </button>
        )}
      </p>
    </div>
  );
}

/** Pictures that one press takes of who cannot hold it down. */
const PRESSED = 10;

/** Records while it is held down, by pointer or keyboard; a screen reader's press takes ten pictures. */
function Record({ id, called }: { readonly id: number; readonly called: string }) {
  const now = recording.value === id;
  const stop = () => stopRecording(id);
  return (
    <button
      type="button"
      class={`button record${now ? " primary" : ""}`}
      aria-pressed={now}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        void record(id);
      }}
      onPointerUp={stop}
      onPointerCancel={stop}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        if (!event.repeat) void record(id);
      }}
      onKeyUp={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        stop();
      }}
      // What takes the focus may be another class's button, which records by now.
      onBlur={stop}
      onClick={(event) => {
        // Neither pointer nor key: both count as no click here, or have told themselves.
        if (event.detail === 0) void record(id, PRESSED);
      }}
    >
      <Icon name="record" />
      <span>{now ? "Recording" : "Hold to record"}</span>
      <span class="visually-hidden">{` ${called}`}</span>
    </button>
  );
}

/** Pictures shown of a class, the newest first; a press shows all. */
const SHOWN = 24;

function Thumbs({ one, called }: { readonly one: TaughtClass; readonly called: string }) {
  const everything = useSignal(false);
  const { pictures } = one;
  if (pictures.length === 0) return <p class="class-empty">No pictures yet</p>;
  const shown = everything.value ? pictures.length : Math.min(SHOWN, pictures.length);
  const newest = pictures.slice(-shown).reverse();
  return (
    <>
      <ul class="thumbs" aria-label={`Pictures of ${called}, the newest first`}>
        {newest.map((picture, i) => (
          <li key={picture.id}>
            <button
              type="button"
              class="thumb"
              aria-label={`Remove picture ${pictures.length - i} of ${called}`}
              title="Remove this picture"
              onClick={(event) => {
                const at = event.currentTarget.closest("li");
                const next = (at?.nextElementSibling ?? at?.previousElementSibling)?.querySelector("button");
                removePicture(one, picture);
                next?.focus();
              }}
            >
              <Pixels pixels={picture.small.pixels} shape={[picture.small.height, picture.small.width, 3]} />
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      {pictures.length > SHOWN && (
        <button
          type="button"
          class="link more"
          onClick={() => {
            everything.value = !everything.value;
          }}
        >
          {everything.value ? "Show fewer" : `Show all ${count(pictures.length)}`}
        </button>
      )}
    </>
  );
}
