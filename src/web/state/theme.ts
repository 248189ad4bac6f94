import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const KEY = "wasmgrad-theme";
const media = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(stored());
/** Whether the page is dark now: charts are drawn in colours read from the style sheet. */
export const dark = signal(isDark());

effect(() => {
  if (theme.value === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme.value;
  dark.value = isDark();
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // A browser that keeps nothing: the choice holds for this visit.
  }
});
media.addEventListener("change", () => {
  dark.value = isDark();
});

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY) as Theme;
    return THEMES.includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

function isDark(): boolean {
  return theme.value === "auto" ? media.matches : theme.value === "dark";
}
