/** How a picture can be shown where the output goes. */

/** `kitty` and `iterm` are protocols for pictures in a terminal; `blocks` are bars of block characters. */
export const PICTURE_KINDS = ["kitty", "iterm", "blocks", "none"] as const;
export type PictureKind = (typeof PICTURE_KINDS)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Decides by what the terminal says about itself in the environment. tmux and screen would swallow pictures, or leave them
 * where they were drawn when the text scrolls, so bars are drawn there, and also if nothing is known about the terminal.
 */
export function detectPictureKind(env: Environment, isTerminal: boolean): "kitty" | "iterm" | "blocks" {
  const { TERM = "", TERM_PROGRAM = "" } = env;
  if (!isTerminal || TERM === "dumb") return "blocks";
  if (env.TMUX !== undefined || env.STY !== undefined || /^(tmux|screen)/.test(TERM)) return "blocks";
  const isKitty = TERM === "xterm-kitty" || TERM === "xterm-ghostty" || TERM_PROGRAM === "ghostty";
  if (isKitty || env.KITTY_WINDOW_ID !== undefined) return "kitty";
  const isIterm = ["iTerm.app", "WezTerm", "mintty"].includes(TERM_PROGRAM) || env.LC_TERMINAL === "iTerm2";
  return isIterm ? "iterm" : "blocks";
}

/** Whether more than ASCII can be shown: the terminal is not dumb, and the locale is UTF-8 or not set at all (containers). */
export function canShowBlocks(env: Environment): boolean {
  if (env.TERM === "dumb") return false;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG;
  return locale === undefined || locale === "" || /utf-?8/i.test(locale);
}
