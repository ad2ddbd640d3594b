/** Light or dark: as the system has it until the button is pressed, then as it was chosen. Colours change by style alone, charts' as well. */

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

/** A page in a sandbox may keep nothing, and says so by an error. */
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
    // Then it holds until the page is closed.
  }
}
