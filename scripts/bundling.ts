/** What every bundle of this project's programs has in common. */
import type { Plugin } from "esbuild";

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

/** Zod brings its messages in sixty languages, a sixth of what a command would read before it begins; they are never asked for. */
export const ENGLISH_ALONE: Plugin = {
  name: "english-alone",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, ({ kind, importer, resolveDir }) =>
      importer.includes("/zod/") ? resolve("../locales/en.js", { kind, importer, resolveDir }) : null,
    );
  },
};
