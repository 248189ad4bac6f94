import { TABS, type Tab } from "../state/link.ts";
import { notify } from "../state/notices.ts";
import { tab } from "../state/setup.ts";
import { nextTheme, theme } from "../state/theme.ts";
import { Button } from "../ui/controls.tsx";

const NAMES: Readonly<Record<Tab, string>> = {
  train: "Train",
  results: "Results",
  draw: "Draw",
  teach: "Teach it",
  benchmark: "Benchmark",
};
const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" } as const;

export function Header() {
  return (
    <header class="top">
      <h1 class="brand">
        <img src="./favicon.svg" alt="" width="28" height="28" />
        <span>wasmgrad</span>
      </h1>
      <Tabs />
      <div class="top-tools">
        <Button icon="link" iconOnly kind="quiet" onClick={copyLink}>
          Copy a link to these settings
        </Button>
        <Button icon={THEME_ICONS[theme.value]} iconOnly kind="quiet" id="theme" onClick={nextTheme}>
          {`Theme: ${theme.value}`}
        </Button>
      </div>
    </header>
  );
}

/** One stop of the Tab key; arrow keys, Home and End choose. */
function Tabs() {
  const choose = (event: KeyboardEvent) => {
    const at = TABS.indexOf(tab.value);
    const to: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1 + TABS.length,
      Home: 0,
      End: TABS.length - 1,
    };
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    tab.value = TABS[next % TABS.length]!;
    document.getElementById(`tab-${tab.value}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Parts of the page" onKeyDown={choose}>
      {TABS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={tab.value === name}
          aria-controls="panel"
          tabIndex={tab.value === name ? 0 : -1}
          onClick={() => {
            tab.value = name;
          }}
        >
          {NAMES[name]}
        </button>
      ))}
    </div>
  );
}

async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    notify("link", "The link is copied: it holds the dataset, the model and all settings, no data.");
  } catch {
    notify("link", "The browser keeps the clipboard to itself: copy the link from the address bar.");
  }
}
