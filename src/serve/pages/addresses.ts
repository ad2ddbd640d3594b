/** Where each page stands. */

/** `quant/20261124T…` as it stands in an address: every name encoded, `/` between them kept. */
function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

export const addresses = {
  report: (path: string) => `/runs/${encoded(path)}/report.html`,
  live: (path: string) => `/runs/${encoded(path)}/live`,
  events: (path: string) => `/runs/${encoded(path)}/events`,
  compare: (sides: readonly string[], force = false) => {
    const parameters = new URLSearchParams(sides.map((side): [string, string] => ["side", side]));
    if (force) parameters.set("force", "1");
    return `/compare?${parameters}`;
  },
};

/**
 * The names of a run's folders, and what is asked of it, from the path of an address; null where it is none. Names are taken apart before
 * they are decoded: an encoded slash stays within its name.
 */
export function runAddress(
  pathname: string,
): { readonly names: readonly string[]; readonly view: string } | null {
  try {
    const [, first, ...rest] = pathname.split("/").map(decodeURIComponent);
    const view = rest.pop();
    return first !== "runs" || view === undefined || rest.length === 0 ? null : { names: rest, view };
  } catch {
    return null;
  }
}
