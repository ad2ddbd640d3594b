import { expect, test } from "vitest";
import { canShowBlocks, detectPictureKind } from "../../../../src/render/terminal/picture/picture-kind.js";

test.each([
  [{ TERM: "xterm-kitty" }, "kitty"],
  [{ TERM: "xterm-256color", KITTY_WINDOW_ID: "1" }, "kitty"],
  [{ TERM: "xterm-ghostty" }, "kitty"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app" }, "iterm"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "WezTerm" }, "iterm"],
  [{ TERM: "xterm-256color", LC_TERMINAL: "iTerm2" }, "iterm"],
  [{ TERM: "xterm-256color" }, "blocks"],
  [{}, "blocks"],
  // tmux keeps the outer terminal's variables but swallows the picture.
  [{ TERM: "tmux-256color", KITTY_WINDOW_ID: "1" }, "blocks"],
  [{ TERM: "xterm-kitty", TMUX: "/tmp/tmux-0/default,1,0" }, "blocks"],
  [{ TERM: "screen", TERM_PROGRAM: "iTerm.app" }, "blocks"],
  [{ TERM: "dumb", TERM_PROGRAM: "iTerm.app" }, "blocks"],
] as const)("%o shows %s", (env, expected) => {
  expect(detectPictureKind(env, true)).toBe(expected);
});

test("what is no terminal gets no escape sequences, whatever the environment says", () => {
  expect(detectPictureKind({ TERM: "xterm-kitty", KITTY_WINDOW_ID: "1" }, false)).toBe("blocks");
});

test.each([
  [{ LANG: "en_US.UTF-8" }, true],
  [{ LC_ALL: "C.utf8", LANG: "C" }, true],
  [{}, true],
  [{ LANG: "" }, true],
  [{ LC_ALL: "C", LANG: "en_US.UTF-8" }, false],
  [{ LANG: "de_DE.ISO-8859-1" }, false],
  [{ LANG: "en_US.UTF-8", TERM: "dumb" }, false],
])("%o can show block characters: %s", (env, expected) => {
  expect(canShowBlocks(env)).toBe(expected);
});
