const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  stop: "M6 6h12v12H6z",
  restart: "M12 5a7 7 0 1 0 7 7h-2.2a4.8 4.8 0 1 1-4.8-4.8V10l4.5-3.8L12 2.5z",
  forward: "M4.5 5v14l8-7zM12.5 5v14l8-7z",
  up: "M12 7l6 6-1.5 1.5L12 10l-4.5 4.500L6 13z",
  down: "M12 17l-6-6 1.5-1.500L12 14l4.5-4.500L18 11z",
  close: "M6.4 5L12 10.6 17.6 5 19 6.4 13.4 12 19 17.6 17.6 19 12 13.4 6.4 19 5 17.6 10.6 12 5 6.400z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  edit: "M4 16.500V20h3.500L17.8 9.700l-3.5-3.500zM20.5 7a1 1 0 0 0 0-1.400l-2.1-2.100a1 1 0 0 0-1.4 0l-1.6 1.6 3.5 3.500z",
  save: "M11 4h2v8.200l3.1-3.1 1.4 1.400L12 16l-5.5-5.5 1.4-1.4 3.1 3.100zM5 18h14v2H5z",
  open: "M11 16h2V7.800l3.1 3.1 1.4-1.400L12 4 6.5 9.500l1.4 1.400L11 7.800zM5 18h14v2H5z",
  undo: "M9 5L4 10l5 5v-3.500h4a3.5 3.5 0 0 1 0 7H8v2h5a5.5 5.5 0 0 0 0-11H9z",
  sun: "M12 7.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM11 2h2v3h-2zM11 19h2v3h-2zM2 11h3v2H2zM19 11h3v2h-3zM4.2 5.600l1.4-1.4 2.1 2.1-1.4 1.400zM16.3 17.700l1.4-1.4 2.1 2.1-1.4 1.400zM4.2 18.400l2.1-2.1 1.4 1.4-2.1 2.100zM16.3 6.300l2.1-2.1 1.4 1.4-2.1 2.100z",
  moon: "M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2v14a7 7 0 0 0 0-14z",
  link: "M10.6 13.400a4 4 0 0 0 5.7 0l2.8-2.800a4 4 0 0 0-5.7-5.700l-1.2 1.2 1.4 1.4 1.2-1.200a2 2 0 0 1 2.9 2.900L14.9 12a2 2 0 0 1-2.9 0zM13.4 10.600a4 4 0 0 0-5.7 0l-2.8 2.800a4 4 0 0 0 5.7 5.700l1.2-1.2-1.4-1.4-1.2 1.200a2 2 0 0 1-2.9-2.900L9.1 12a2 2 0 0 1 2.9 0z",
  camera:
    "M9 5h6l1.500 2H20a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h3.500zM12 9a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm0 2a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
  record: "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12z",
  folder: "M3 6a1 1 0 0 1 1-1h5l2 2h9a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside a label, or on a button that has a name of its own. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
