/** The first key that stands twice in one object of valid JSON: `JSON.parse` silently keeps the last. Null where none does. */
export function firstDuplicateKey(json: string): string | null {
  /** Keys of the objects that are open; null for a list. */
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case "{":
        open.push(new Set());
        expectsKey = true;
        break;
      case "[":
        open.push(null);
        expectsKey = false;
        break;
      case "}":
      case "]":
        open.pop();
        expectsKey = false;
        break;
      case ",":
        expectsKey = (open.at(-1) ?? null) !== null;
        break;
      case '"': {
        const end = endOfString(json, at);
        if (expectsKey) {
          const key = JSON.parse(json.slice(at, end + 1)) as string;
          if (open.at(-1)?.has(key)) return key;
          open.at(-1)?.add(key);
          expectsKey = false;
        }
        at = end;
      }
    }
  }
  return null;
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
}
