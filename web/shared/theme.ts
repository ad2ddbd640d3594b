/** Light or dark: as the system has it until the button is pressed. Colours change by style alone, charts' as well. */

export function watchTheme(page: Document): void {
  const button = page.querySelector<HTMLButtonElement>("#theme");
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const root = page.documentElement;
  const isDark = () => (root.dataset.theme ?? (systemIsDark.matches ? "dark" : "light")) === "dark";
  const show = () => button?.setAttribute("aria-pressed", String(isDark()));
  button?.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  systemIsDark.addEventListener("change", show);
  show();
}
