import { html, type Markup, type Part } from "./markup.js";

/** A section that is closed until somebody asks for it; a link to it opens it (web/report/folds.ts). */
export function folded(id: string, title: string, content: Part): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-h">
<details class="folded"><summary><h2 id="${id}-h">${title}</h2></summary>
${content}
</details>
</section>`;
}
