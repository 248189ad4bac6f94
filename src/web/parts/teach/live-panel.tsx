import { useLayoutEffect, useRef } from "preact/hooks";
import {
  camera,
  cameraId,
  cameraProblem,
  cameras,
  mirrored,
  recording,
  startCamera,
  stopCamera,
  video,
} from "../../state/teach/camera.ts";
import { taught } from "../../state/teach/learn.ts";
import { answer, trial } from "../../state/teach/live.ts";
import { classes } from "../../state/teach/pictures.ts";
import { givenIn, takeFiles } from "../../state/teach/read.ts";
import { Button, Select } from "../../ui/controls.tsx";
import { percent } from "../../ui/format.ts";
import { Panel } from "../../ui/panel.tsx";
import { Pixels } from "../../ui/pixels.tsx";
import { Probabilities } from "../../ui/probabilities.tsx";
import { ChooseFiles } from "./choose-files.tsx";

/** What the camera sees, or the picture that is asked about, and what the model says of it. */
export function LivePanel() {
  const on = camera.value === "on";
  return (
    <Panel
      id="live"
      heading="Try it"
      aside={
        <div class="actions">
          {camera.value === "off" ? (
            <Button id="camera" icon="camera" onClick={() => void startCamera(cameraId.value)}>
              Start camera
            </Button>
          ) : (
            <Button id="camera" icon="stop" onClick={stopCamera}>
              Stop camera
            </Button>
          )}
          <ChooseFiles
            id="try-picture"
            icon="open"
            label="Picture to try"
            accept="image/*"
            take={(files) => void takeFiles(givenIn(files))}
          >
            Picture
          </ChooseFiles>
        </div>
      }
    >
      {cameraProblem.value && (
        <p class="verdict wrong" id="camera-problem" role="alert">
          {cameraProblem.value}
        </p>
      )}
      <div class="live-body">
        <div
          class={`view${on && mirrored.value ? " mirrored" : ""}${recording.value === undefined ? "" : " recording"}`}
        >
          {on ? <Video /> : <Trial />}
        </div>
        <div class="live-answer">
          <Verdict />
          <Bars />
        </div>
      </div>
      {on && cameras.value.length > 1 && (
        <Select
          label="Camera"
          name="camera"
          value={cameraId.value ?? ""}
          choices={cameras.value.map(({ deviceId, label }, i) => [deviceId, label || `Camera ${i + 1}`])}
          onChange={(id) => void startCamera(id)}
        />
      )}
    </Panel>
  );
}

/** The camera's picture, as in a mirror. */
function Video() {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    video.setAttribute("aria-label", "What the camera sees");
    box.current!.append(video);
    // What is taken out of the page, some browsers stop.
    void video.play().catch(() => {});
  }, []);
  return <div class="video" ref={box} />;
}

function Trial() {
  const picture = trial.value;
  return picture ? (
    <Pixels
      pixels={picture.pixels}
      shape={[picture.height, picture.width, 3]}
      label="The picture that is asked about"
    />
  ) : (
    <p class="muted">
      {camera.value === "starting" ? "The camera starts" : "Start the camera, or drop a picture here"}
    </p>
  );
}

/** The likeliest class, in words. */
function Verdict() {
  const now = answer.value;
  if (!now)
    return <p class="muted live-verdict">{taught.value ? "Show it something" : "It knows nothing yet"}</p>;
  const best = now.outputs.indexOf(Math.max(...now.outputs));
  return (
    <p class="live-verdict">
      <b id="taught-class">{now.classNames[best]}</b>
      <span class="muted">{percent(now.outputs[best])}</span>
    </p>
  );
}

function Bars() {
  const names = taught.value?.classNames ?? classes.value.map(({ name }) => name);
  const now = answer.value;
  return (
    <div class="live-bars">
      <Probabilities
        outputs={now && now.classNames.length === names.length ? now.outputs : undefined}
        names={names}
      />
    </div>
  );
}
