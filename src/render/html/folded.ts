import { html, type Markup, type Part } from "./markup.js";

/** A section that stays closed until the reader opens it or follows a link to it (web/report/folds.ts). */
export function folded(id: string, title: string, content: Part): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-h">
<details class="folded"><summary><h2 id="${id}-h">${title}</h2></summary>
${content}
</details>
</section>`;
}
