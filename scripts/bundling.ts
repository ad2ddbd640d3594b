/** What every bundle of this project's programs has in common. */

/** Packages that stay files of their own. */
export const UNBUNDLED = [
  // Compiled for the platform.
  "@resvg/resvg-js",
  "zeromq",
  // These two make use of where their own file lies.
  "piscina",
  "write-file-atomic",
  // Vega asks for it at run time and does without.
  "canvas",
] as const;

/** Some packages are CommonJS and ask for Node's modules with `require`. */
export const BANNER = `import { createRequire as createRequireOfBundle } from "node:module"; const require = createRequireOfBundle(import.meta.url);`;
