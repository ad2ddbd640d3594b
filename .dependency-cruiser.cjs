/** Data flows one way (docs/architecture.md): a folder may import itself and those left of it, never right. */
const ORDER = [
  "base",
  "protocol",
  "spec",
  "plan",
  "results",
  "worker",
  "executor",
  "report",
  "serve",
  "commands",
];

const forbidden = ORDER.map((folder, index) => ({
  name: `${folder}-imports-left-only`,
  severity: "error",
  comment: `src/${folder} may import only what stands left of it in: ${ORDER.join(" < ")} < cli`,
  from: { path: `^src/${folder}/` },
  to: { path: `^src/(${[...ORDER.slice(index + 1), "cli\\.ts"].join("|")})` },
}));

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
      name: "known-folders",
      severity: "error",
      comment: "a new folder needs its place in the order",
      from: { path: "^src/" },
      to: { path: "^src/", pathNot: `^src/((${ORDER.join("|")})/|cli\\.ts$)` },
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
      comment: "what is shipped must not need what only developers install",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"] },
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
