/** Buttons that copy the command beside them. */

export function watchCopying(page: Document): void {
  for (const button of page.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement?.querySelector("code");
      if (code === null || code === undefined) return;
      try {
        await navigator.clipboard.writeText(code.textContent ?? "");
        button.textContent = "Copied";
      } catch {
        // A browser may refuse. Then the command is selected, so that the user can copy it.
        getSelection()?.selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
  }
}
