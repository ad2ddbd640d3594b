/**
 * Data flows one way (docs/architecture.md): a folder may import itself and the steps before its own, neither a later one
 * nor its neighbour on the same step.
 */
const STEPS = [
  ["base"],
  ["quantization"],
  ["protocol"],
  ["metrics"],
  ["experiment"],
  ["plan"],
  ["run"],
  ["worker", "python-env"],
  ["executor"],
  ["analysis"],
  ["render"],
  ["serve"],
  ["commands"],
];
const FOLDERS = STEPS.flat();

const forbidden = STEPS.flatMap((step, index) =>
  step.map((folder) => {
    const neighbours = step.filter((other) => other !== folder);
    const later = STEPS.slice(index + 1).flat();
    return {
      name: `${folder}-imports-left-only`,
      severity: "error",
      comment: `src/${folder} may import only what stands left of it in: ${STEPS.map((names) => names.join(", ")).join(" < ")} < cli`,
      from: { path: `^src/${folder}/` },
      to: {
        path: `^src/(${[...[...neighbours, ...later].map((name) => `${name}/`), "cli\\.ts$"].join("|")})`,
      },
    };
  }),
);

/** Packages that `npm run build` puts into dist (docs/dependencies.md); users do not install them. */
const BUNDLED = [
  "@commander-js/extra-typings",
  "@hono/node-server",
  "canonicalize",
  "cli-table3",
  "cli-truncate",
  "commander",
  "csv-parse",
  "csv-stringify",
  "diff",
  "env-paths",
  "execa",
  "fastest-levenshtein",
  "hono",
  "hyparquet-writer",
  "log-update",
  "picocolors",
  "proper-lockfile",
  "pure-rand",
  "string-width",
  "vega",
  "vega-lite",
  "wrap-ansi",
  "yaml",
  "zod",
];

module.exports = {
  forbidden: [
    ...forbidden,
    {
      name: "no-cycles",
      severity: "error",
      comment: "two files that need each other are one file, or three",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-folder-cycles",
      scope: "folder",
      severity: "error",
      comment: "two folders that need each other have no order to be read in",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "analysis-has-no-words",
      severity: "error",
      comment:
        "src/analysis takes numbers and returns numbers; what people read is worded in src/render/words. A FalconError may be thrown anywhere, and needs none of these",
      from: { path: "^src/analysis/" },
      to: { path: "^src/base/(text|units|ascii|as-called|render-error)\\.ts$" },
    },
    {
      name: "known-folders",
      severity: "error",
      comment: "a new folder needs its place in the order",
      from: { path: "^src/" },
      to: { path: "^src/", pathNot: `^src/((${FOLDERS.join("|")})/|cli\\.ts$)` },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      comment: "an import that leads nowhere is not checked by the other rules",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "src-stands-alone",
      severity: "error",
      comment: "what is shipped must not need what is not",
      from: { path: "^src/" },
      to: { path: "^(test|bench|scripts)/" },
    },
    {
      name: "no-dev-dependencies",
      severity: "error",
      comment: "what is shipped must not need what only developers install; what is bundled is inside it",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"], pathNot: `^node_modules/(${BUNDLED.join("|")})/` },
    },
  ],
  options: {
    // TypeScript 7 has no API for it to parse with.
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
