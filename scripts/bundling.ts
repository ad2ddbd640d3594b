/** What every bundle of this project's programs has in common. */
import type { Plugin } from "esbuild";

/** Packages that stay separate files. */
export const UNBUNDLED = [
  // Compiled for the platform.
  "@resvg/resvg-js",
  "zeromq",
  // These two depend on the location of their own files.
  "piscina",
  "write-file-atomic",
  // Vega tries to load it at run time, and works without it.
  "canvas",
] as const;

/** Some packages are CommonJS and load Node's modules with `require`. */
export const BANNER = `import { createRequire as createRequireOfBundle } from "node:module"; const require = createRequireOfBundle(import.meta.url);`;

/** Leaves out Zod's messages in other languages: a sixth of what a command would read before it begins, and never used. */
export const ENGLISH_ALONE: Plugin = {
  name: "english-alone",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, ({ kind, importer, resolveDir }) =>
      importer.includes("/zod/") ? resolve("../locales/en.js", { kind, importer, resolveDir }) : null,
    );
  },
};
