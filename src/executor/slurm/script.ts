/** Builds the script for sbatch. Pure, so that `--dry-run` and tests can show all of it. */
import type { SlurmSettings } from "../../experiment/slurm-schema.js";

export interface ScriptInputs {
  readonly settings: SlurmSettings;
  /** The job's name, by which it is found again if sbatch's answer was lost. */
  readonly name: string;
  /** Absolute, on a disk that the nodes can see. */
  readonly runFolder: string;
  /** Which of `count` slices this array measures. */
  readonly slices: readonly number[];
  /** The number that is added to an index of the array to get its slice. */
  readonly offset: number;
  readonly count: number;
  /** The command that starts falcon-exp: interpreter and program. */
  readonly program: readonly string[];
  readonly cwd: string;
  readonly python: string | null;
  readonly attempts: number;
  readonly retryFailed: boolean;
}

export function buildScript(inputs: ScriptInputs): string {
  const { settings, runFolder, count, offset, program, python } = inputs;
  const slice = offset === 0 ? "$SLURM_ARRAY_TASK_ID" : `$((SLURM_ARRAY_TASK_ID + ${offset}))`;
  const command = [
    ...program,
    ...["run", "--plan", runFolder],
    ...["--attempts", String(inputs.attempts)],
    ...(inputs.retryFailed ? ["--retry-failed"] : []),
    ...(python === null ? [] : ["--python", python]),
  ];
  return [
    "#!/bin/bash",
    ...listOptions(inputs).map(
      ([key, value]) => `#SBATCH --${key}${value === null ? "" : `=${quoteOption(value)}`}`,
    ),
    "",
    `cd ${quoteWord(inputs.cwd)}`,
    ...settings.setup,
    "# Replaces the shell, so that the signal before the time limit reaches it.",
    `exec ${command.map(quoteWord).join(" ")} --slice "${slice}/${count}"`,
    "",
  ].join("\n");
}

type Option = readonly [key: string, value: string | null];

/** With sbatch the last one wins, so `options` can replace any that is set here. */
function listOptions({ settings, name, runFolder, slices, offset }: ScriptInputs): readonly Option[] {
  const limit = settings["array-limit"] === undefined ? "" : `%${settings["array-limit"]}`;
  const own: Option[] = [
    ["job-name", name],
    ["array", `${nameIndexes(slices.map((slice) => slice - offset))}${limit}`],
    // In this path, sbatch gives % a special meaning.
    ["output", `${runFolder.replaceAll("%", "%%")}/slurm/%A_%a.out`],
    ["open-mode", "append"],
    ["requeue", null],
    ["signal", `B:TERM@${settings.signal}`],
  ];
  const named: Option[] = NAMED.flatMap((key) => {
    const value = settings[key];
    return value === undefined ? [] : [[key, String(value)] as const];
  });
  const others = Object.entries(settings.options).flatMap(([key, value]): Option[] => {
    if (value === false) return [];
    return [[key, value === true ? null : String(value)]];
  });
  return [...own, ...named, ...others];
}

const NAMED = [
  "partition",
  "account",
  "qos",
  "time",
  "gres",
  "cpus-per-task",
  "mem",
  "constraint",
  "exclude",
] as const;

/** Returns `0-3,7` for 0, 1, 2, 3, 7. */
export function nameIndexes(indexes: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && index === range[1] + 1) range[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** Quotes a value for sbatch's own parser of `#SBATCH` lines. */
function quoteOption(value: string): string {
  return /^[\w./:%@,=+[\]*-]+$/.test(value) ? value : `"${value.replaceAll(/[\\"]/g, "\\$&")}"`;
}

/** Quotes a word for the shell. */
function quoteWord(word: string): string {
  return /^[\w./:@,=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
