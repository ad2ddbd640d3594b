/** The text that sbatch gets: pure, so that `--dry-run` and tests show all of it. */
import type { SlurmSettings } from "../../experiment/slurm-schema.js";

export interface ScriptInputs {
  readonly settings: SlurmSettings;
  /** Of the job: by it the job is found again where sbatch's answer was lost. */
  readonly name: string;
  /** Absolute; on a disk that the nodes see. */
  readonly runFolder: string;
  /** Which of `count` slices this array measures. */
  readonly slices: readonly number[];
  /** What is added to an index of the array to have its slice. */
  readonly offset: number;
  readonly count: number;
  /** What starts falcon-exp: interpreter, program. */
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

/** Later ones win with sbatch, so `options` can replace any of ours. */
function listOptions({ settings, name, runFolder, slices, offset }: ScriptInputs): readonly Option[] {
  const limit = settings["array-limit"] === undefined ? "" : `%${settings["array-limit"]}`;
  const own: Option[] = [
    ["job-name", name],
    ["array", `${nameIndexes(slices.map((slice) => slice - offset))}${limit}`],
    // A % stands for something there.
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

/** `0-3,7` of 0, 1, 2, 3, 7. */
export function nameIndexes(indexes: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && index === range[1] + 1) range[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** For sbatch's own reader of `#SBATCH` lines. */
function quoteOption(value: string): string {
  return /^[\w./:%@,=+[\]*-]+$/.test(value) ? value : `"${value.replaceAll(/[\\"]/g, "\\$&")}"`;
}

/** For the shell. */
function quoteWord(word: string): string {
  return /^[\w./:@,=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
