/**
 * Keeps what was chosen on the page in its address, after the `#`, so that a link restores it: `#answers?differ=1&q=seine`. A
 * page opened from disk, or in a sandbox, may change no other part of its address.
 */

export interface Address {
  /** Id of the element that is shown; empty for none. */
  readonly target: string;
  readonly choices: URLSearchParams;
}

export function readAddress(): Address {
  const [target = "", choices = ""] = location.hash.replace(/^#/, "").split(/\?(.*)/s);
  return { target: decode(target), choices: new URLSearchParams(choices) };
}

/** Keeps a choice; an empty value forgets it. */
export function keepChoice(name: string, value: string): void {
  keepChoices(name, value === "" ? [] : [value]);
}

/** The same for a choice that has several values. */
export function keepChoices(name: string, values: readonly string[]): void {
  const { target, choices } = readAddress();
  choices.delete(name);
  for (const value of values) choices.append(name, value);
  write(target, choices);
}

/** Keeps what was chosen in the address when a link leads to another place on the page. */
export function keepChoicesOnLinks(): void {
  let { choices } = readAddress();
  addEventListener("hashchange", () => {
    const now = readAddress();
    if (!location.hash.includes("?") && choices.size > 0) write(now.target, choices);
    else choices = now.choices;
  });
  addEventListener("falcon-choice", () => {
    choices = readAddress().choices;
  });
}

function write(target: string, choices: URLSearchParams): void {
  const words = choices.size === 0 ? "" : `?${choices}`;
  history.replaceState(null, "", `#${encodeURIComponent(target)}${words}`);
  dispatchEvent(new Event("falcon-choice"));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
