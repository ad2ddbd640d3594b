/** The frame of every page. */
import { html } from "hono/html";
import { safeLine } from "../../base/text.js";

export type Html = ReturnType<typeof html>;
/** The content of a page: text is escaped, markup is not. */
export type Part = Html | string | readonly Part[];

/** For text from a name, a model or a stranger: makes control and bidirectional characters visible; `html` escapes the rest. */
export function text(untrusted: string): string {
  return safeLine(untrusted);
}

export function layout(title: string, content: Part): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)} · falcon-exp</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/serve.css">
<script type="module" src="/assets/serve.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><a class="home" href="/">falcon-exp</a><nav aria-label="Pages"><a href="/">Runs</a> <a href="/compare">Compare</a></nav></header>
<main id="main" tabindex="-1">
${content}
</main>
</body>
</html>
`;
}

/** A page that says what went wrong and what to do. */
export function messagePage(title: string, message: string, next: string | null): Html {
  const lines = message.split("\n").map((line) => html`<p>${text(line)}</p>`);
  return layout(
    title,
    html`<h1>${text(title)}</h1>${lines}${next === null ? "" : html`<p class="next">${text(next)}</p>`}`,
  );
}
