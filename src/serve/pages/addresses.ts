/** The address of each page. */

/** `quant/20261124T…` as part of an address: each name is encoded, the `/` between them is kept. */
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
 * Reads the names of a run's folders, and which view of it is requested, from the path of an address. Null if the path is not
 * a run's. Names are separated before they are decoded, so an encoded slash stays within its name.
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
