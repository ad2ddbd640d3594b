/** Names of prompts and texts, in files, folders and tables. */

const MAX_NAME_CHARACTERS = 64;

/** `Demo/0` → `Demo-0`, because data sets name their rows as they like. Empty if no part of the text can be used in a name. */
export function makeName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, MAX_NAME_CHARACTERS);
}
