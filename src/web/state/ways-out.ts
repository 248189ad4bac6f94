import { effect, untracked } from "@preact/signals";
import { GENERATED } from "../../data/datasets.ts";
import { downloadFailed, ensureDataset } from "./dataset.ts";
import { dismiss, notify } from "./notices.ts";
import { pickFiles } from "./open-files.ts";
import { change, settings } from "./setup.ts";

/** What a visitor can do when a download has failed. */
effect(() => {
  const failed = downloadFailed.value;
  if (!failed) return;
  const { name, text, details } = failed;
  const instead = () => {
    dismiss("dataset");
    change({ dataset: GENERATED, images: undefined });
  };
  const again = () => void ensureDataset(name, settings.value.images).catch(() => {});
  untracked(() =>
    notify("dataset", text, "fault", {
      actions: [
        { label: "Try again", run: again },
        { label: "Use digits, which need no network", run: instead },
        { label: "Open files you have", run: pickFiles },
      ],
      details,
    }),
  );
});
