/**
 * Light or dark: the system's theme until the button is pressed, then the chosen one. Colours change through styles alone,
 * those of charts as well.
 */

const KEY = "falcon-exp-theme";

export function watchTheme(page: Document): void {
  const button = page.querySelector<HTMLButtonElement>("#theme");
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const root = page.documentElement;
  const isDark = () => (root.dataset.theme ?? (systemIsDark.matches ? "dark" : "light")) === "dark";
  const show = () => {
    if (button !== null) button.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  const kept = readKept();
  if (kept !== null) root.dataset.theme = kept;
  button?.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    root.dataset.theme = theme;
    keep(theme);
    show();
  });
  systemIsDark.addEventListener("change", show);
  show();
}

/** Null if nothing was kept. In a page in a sandbox, which may store nothing, the storage throws. */
function readKept(): "dark" | "light" | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "dark" || kept === "light" ? kept : null;
  } catch {
    return null;
  }
}

function keep(theme: "dark" | "light"): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then the choice lasts until the page is closed.
  }
}
