import { useEffect, useRef, useState } from "preact/hooks";
import {
  beginStroke,
  clearStrokes,
  extendStroke,
  PEN,
  type PenPoint,
  paintStrokes,
  strokes,
  undoStroke,
} from "../state/drawing.ts";
import { photo } from "../state/photo.ts";

/** Pixels of the pad's own: twice what it shows, for fine screens. */
const SIZE = 560;
/** A step of the arrow keys. */
const STEP = 1 / 28;

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

/** A pad to draw on with mouse, finger, pen or the arrow keys. */
export function Pad() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pen = useRef<number | undefined>(undefined);
  const [cursor, setCursor] = useState<{ x: number; y: number; down: boolean } | undefined>(undefined);
  const drawn = strokes.value;
  const shown = photo.value;

  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIZE, SIZE);
    context.fillStyle = context.strokeStyle = "#fff";
    paintStrokes(context, SIZE);
    if (shown) paintPhoto(context, shown.canvas);
    if (!cursor) return;
    context.lineWidth = 3;
    context.strokeStyle = cursor.down ? "#ffa46b" : "#6db3ff";
    context.beginPath();
    context.arc(cursor.x * SIZE, cursor.y * SIZE, (PEN * SIZE) / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }, [drawn, shown, cursor]);

  const pointOf = (event: PointerEvent): PenPoint => {
    const box = canvas.current!.getBoundingClientRect();
    // A mouse reports 0.5; a pen how hard it is pressed.
    const pressure = event.pointerType === "pen" ? 0.5 + event.pressure : 1;
    return {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
      width: PEN * pressure,
    };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0 || pen.current !== undefined) return;
    pen.current = event.pointerId;
    setCursor(undefined);
    canvas.current!.setPointerCapture(event.pointerId);
    beginStroke(pointOf(event));
  };
  const move = (event: PointerEvent) => {
    if (event.pointerId !== pen.current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    extendStroke((events.length > 0 ? events : [event]).map(pointOf));
  };
  const up = (event: PointerEvent) => {
    if (event.pointerId === pen.current) pen.current = undefined;
  };
  const key = (event: KeyboardEvent) => {
    const at = cursor ?? { x: 0.5, y: 0.25, down: false };
    const step = MOVES[event.key];
    if (step) {
      const clamp = (n: number) => Math.min(1 - STEP, Math.max(STEP, n));
      const next = { x: clamp(at.x + step[0]), y: clamp(at.y + step[1]), down: at.down };
      setCursor(next);
      if (at.down) extendStroke([{ x: next.x, y: next.y, width: PEN }]);
    } else if (event.key === " " || event.key === "Enter") {
      setCursor({ ...at, down: !at.down });
      if (!at.down) beginStroke({ x: at.x, y: at.y, width: PEN });
    } else if (event.key === "Backspace") undoStroke();
    else if (event.key === "Delete") clearStrokes();
    else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the pad takes keys of its own, and says which
    <canvas
      ref={canvas}
      id="pad"
      class="pad"
      width={SIZE}
      height={SIZE}
      role="application"
      tabIndex={0}
      aria-label="Pad to draw on"
      aria-describedby="pad-help"
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={key}
      onBlur={() => setCursor(undefined)}
    />
  );
}

/** All of a picture, as large as the pad has room for. Its pixels stay crisp where they are few. */
function paintPhoto(context: CanvasRenderingContext2D, picture: HTMLCanvasElement): void {
  const scale = SIZE / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingEnabled = scale < 4;
  context.drawImage(picture, (SIZE - width) / 2, (SIZE - height) / 2, width, height);
}
