/** What of the documentation is generated: tables between `<!-- generated: NAME -->` and `<!-- end -->`. */
import { RECORD_SCHEMA_VERSION } from "../src/run/record-types.js";
import { COLUMNS } from "../src/run/table/columns.js";
import { TABLE_SCHEMA_VERSION } from "../src/run/table/run-columns.js";

const TABLES: Readonly<Record<string, () => string>> = {
  "record version": () =>
    `The schema version of the records is ${RECORD_SCHEMA_VERSION}; ` +
    "[records.schema.json](../schema/records.schema.json) is the JSON Schema of a line.",
  columns: () =>
    [
      `Version ${TABLE_SCHEMA_VERSION}, ${COLUMNS.length} columns:`,
      "",
      "| column | type | unit | null | meaning |",
      "| --- | --- | --- | --- | --- |",
      ...COLUMNS.map(
        ({ name, type, unit, nullable, description }) =>
          `| \`${name}\` | ${type} | ${unit ?? ""} | ${nullable ? "yes" : "never"} | ${description} |`,
      ),
    ].join("\n"),
};

/** The page with every generated part made anew. Throws on a part that nobody generates. */
export function withGeneratedParts(page: string): string {
  return page.replaceAll(
    /(<!-- generated: ([a-z ]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const make = TABLES[name];
      if (make === undefined) throw new Error(`nothing generates ${JSON.stringify(name)}`);
      return `${begin}\n${make()}\n\n${end}`;
    },
  );
}
