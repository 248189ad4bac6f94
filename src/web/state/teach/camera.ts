import { signal } from "@preact/signals";
import { announce } from "../notices.ts";
import { addPictures, type Colours, classes, KEPT_SIDE } from "./pictures.ts";

export type CameraState = "off" | "starting" | "on";

export const camera = signal<CameraState>("off");
/** Why there is no camera, in a sentence. */
export const cameraProblem = signal<string | undefined>(undefined);
/** The cameras that there are, once one was allowed. */
export const cameras = signal<readonly MediaDeviceInfo[]>([]);
/** The one that is used. */
export const cameraId = signal<string | undefined>(undefined);
/** Whether people see themselves in it, and expect a mirror. */
export const mirrored = signal(true);
/** The class that pictures are being recorded for. */
export const recording = signal<number | undefined>(undefined);

/** Milliseconds from one picture to the next. */
const EVERY_MS = 100;

/** Shows what the camera sees; the page puts it where it is looked at. */
export const video = document.createElement("video");
video.muted = true;
video.playsInline = true;

let stream: MediaStream | undefined;
/** Counts starts: one that was overtaken by a stop comes to nothing. */
let attempt = 0;

/** Starts the camera. What is wrong becomes `cameraProblem`. */
export async function startCamera(id?: string): Promise<void> {
  stopCamera();
  const own = ++attempt;
  cameraProblem.value = undefined;
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices?.getUserMedia) {
    cameraProblem.value = isSecureContext
      ? "This browser lets no page use a camera: drop or choose pictures instead."
      : `Browsers give a camera to pages that are served by https or from localhost alone, and this one comes from ${location.origin}: drop or choose pictures instead.`;
    return;
  }
  camera.value = "starting";
  try {
    const size = { width: { ideal: 640 }, height: { ideal: 480 } };
    const found = await devices.getUserMedia({
      audio: false,
      video: id === undefined ? { ...size, facingMode: "user" } : { ...size, deviceId: { exact: id } },
    });
    if (own !== attempt) {
      end(found);
      return;
    }
    stream = found;
    const [track] = found.getVideoTracks();
    const settings = track?.getSettings();
    cameraId.value = settings?.deviceId;
    mirrored.value = settings?.facingMode !== "environment";
    track?.addEventListener("ended", () => {
      if (stream !== found) return;
      stopCamera();
      cameraProblem.value = "The camera was taken away: connect it again, or allow it again, and start it.";
    });
    video.srcObject = found;
    await video.play();
    if (own !== attempt) return;
    camera.value = "on";
    announce("The camera is on");
    cameras.value = (await devices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  } catch (error) {
    if (own !== attempt) return;
    stopCamera();
    // The one that was chosen may be gone while others are there.
    cameraId.value = undefined;
    cameraProblem.value = inWords(error as Error);
  }
}

function inWords({ name, message }: Error): string {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The browser was not allowed to use the camera: allow it beside the address, then start it again. Pictures can be dropped or chosen without it.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "There is no camera here: connect one and start it, or drop or choose pictures.";
    case "NotReadableError":
    case "AbortError":
      return "The camera is there, but gives no picture: another program may be using it. Close that, then start it again.";
    default:
      return `The camera does not start: ${message}.`;
  }
}

export function stopCamera(): void {
  attempt++;
  recording.value = undefined;
  if (stream) end(stream);
  stream = undefined;
  video.srcObject = null;
  camera.value = "off";
}

function end(of: MediaStream): void {
  for (const track of of.getTracks()) track.stop();
}

const canvas = document.createElement("canvas");

/** What the camera sees now: the middle, a square, as it is and not as in a mirror. undefined: nothing yet. */
export function frame(): Colours | undefined {
  const { videoWidth: width, videoHeight: height, readyState } = video;
  if (camera.value !== "on" || readyState < HTMLMediaElement.HAVE_CURRENT_DATA || width === 0)
    return undefined;
  const own = Math.min(width, height);
  const side = Math.min(KEPT_SIDE, own);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(video, (width - own) / 2, (height - own) / 2, own, own, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  const pixels = new Uint8Array(3 * side * side);
  for (let i = 0; i < side * side; i++) for (let c = 0; c < 3; c++) pixels[3 * i + c] = data[4 * i + c]!;
  return { width: side, height: side, pixels };
}

/** The class that is to be recorded: the camera may take its time to start, and be no longer wanted then. */
let wanted: number | undefined;
/** Counts recordings: one that was stopped may wake up while the next is under way. */
let turn = 0;

/** Records pictures for a class, some ten a second, until stopRecording() or there are so many. Starts the camera. */
export async function record(id: number, most = Number.POSITIVE_INFINITY): Promise<void> {
  if (recording.value === id || camera.value === "starting") return;
  wanted = id;
  if (camera.value === "off") await startCamera(cameraId.value);
  if (camera.value !== "on" || wanted !== id) return;
  recording.value = id;
  const own = ++turn;
  const classOf = () => classes.value.find((one) => one.id === id);
  const current = () => own === turn && recording.value === id && classOf() !== undefined;
  let taken = 0;
  let next = performance.now();
  while (current() && taken < most) {
    const picture = frame();
    if (picture) {
      if (!addPictures(id, [picture])) break;
      taken++;
    }
    next = Math.max(next + EVERY_MS, performance.now());
    await new Promise((resolve) => setTimeout(resolve, next - performance.now()));
  }
  const name = classOf()?.name;
  if (own === turn) stopRecording(id);
  announce(`${taken} picture${taken === 1 ? "" : "s"} of ${name} recorded`);
}

/** Ends that class's recording, or its wait for the camera: another's goes on. */
export function stopRecording(id: number): void {
  if (wanted === id) wanted = undefined;
  if (recording.value === id) recording.value = undefined;
}

/** A page that is not seen records nobody. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stopCamera();
});
