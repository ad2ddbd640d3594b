/** docs/reliability.md as data: each row is a fault with the tests that prove what is promised for it. */

export interface TestName {
  /** Relative to the repository. */
  readonly file: string;
  /** As written in the file, with `%s` or the like if the test is made from a table. */
  readonly name: string;
}

export interface FaultRow {
  readonly fault: string;
  readonly tests: readonly TestName[];
}

export interface TestOutcome extends TestName {
  readonly passed: boolean;
}

const COLUMNS = 5;

/** The rows of the page's tables. Throws TypeError on a row that names no test or that has a different number of columns. */
export function readMatrix(page: string): readonly FaultRow[] {
  return page.split("\n").flatMap((line): FaultRow[] => {
    if (!line.startsWith("| ")) return [];
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [fault = "", , , , proof = ""] = cells;
    if (fault === "fault" || fault.startsWith("---")) return [];
    if (cells.length !== COLUMNS) throw new TypeError(`a row of ${cells.length} columns: ${line}`);
    const tests = proof.split("<br>").map((text) => {
      const [, file, name] = /^`([^`]+)`: (.+)$/.exec(text.trim()) ?? [];
      if (file === undefined || name === undefined) throw new TypeError(`${fault}: no test: ${text}`);
      return { file, name };
    });
    return [{ fault, tests }];
  });
}

/** The rows whose tests all ran and passed. */
export function survivedFaults(
  rows: readonly FaultRow[],
  outcomes: readonly TestOutcome[],
): readonly FaultRow[] {
  return rows.filter(({ tests }) =>
    tests.every((test) => {
      const ran = outcomes.filter(({ file, name }) => file === test.file && matches(test.name, name));
      return ran.length > 0 && ran.every(({ passed }) => passed);
    }),
  );
}

/** Whether a test that ran is the one with this name; `%s` and the like stand for whatever the table put there. */
function matches(wanted: string, ran: string): boolean {
  const pattern = wanted
    .split(/%[sido]/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}$`).test(ran);
}

/** The names of the tests in a source file, as they are written there. */
export function testNames(file: string, source: string): readonly TestName[] {
  const pattern = file.endsWith(".py")
    ? /^(?:async )?def (test_\w+)/gm
    : /\btest(?:\.each\([\s\S]*?\))?\(\s*(?:"((?:\\.|[^"\\])*)"|`([^`]*)`)/g;
  return Array.from(source.matchAll(pattern), ([, first, second]) => ({ file, name: first ?? second ?? "" }));
}
