/** What a scheduler needs to run an experiment every night, as text. Pure. */

export interface Schedule {
  readonly experiment: string;
  /** Absolute. */
  readonly file: string;
  readonly cwd: string;
  readonly hour: number;
  readonly minute: number;
  /** The words that start falcon-exp: interpreter, program. */
  readonly program: readonly string[];
  /** Options of `run`. */
  readonly options: readonly string[];
  /** Environment variables that a run needs: `FALCON_EXP_HOME`, … */
  readonly env: Readonly<Record<string, string>>;
}

export type ScheduleKind = "systemd" | "cron" | "slurm";

export function buildSchedule(kind: ScheduleKind, schedule: Schedule): string {
  return { systemd: buildSystemd, cron: buildCron, slurm: buildScrontab }[kind](schedule);
}

/** Null if the text is not a time of day. */
export function parseTimeOfDay(text: string): Pick<Schedule, "hour" | "minute"> | null {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return minute === undefined ? null : { hour: Number(hour), minute: Number(minute) };
}

function buildSystemd(schedule: Schedule): string {
  const { experiment, cwd, hour, minute, env } = schedule;
  const unit = `falcon-exp-${experiment}`;
  return [
    `# ~/.config/systemd/user/${unit}.service`,
    "[Unit]",
    `Description=falcon-exp: ${escapeUnit(experiment)}`,
    "",
    "[Service]",
    "# One at a time: while it runs, the timer starts no other.",
    "Type=oneshot",
    `WorkingDirectory=${escapeUnit(cwd)}`,
    ...Object.entries(env).map(([key, value]) => `Environment=${quoteUnit(`${key}=${value}`)}`),
    `ExecStart=${listWords(schedule).map(quoteUnit).join(" ")}`,
    "# How long a stopped run needs to save what it has.",
    "KillSignal=SIGTERM",
    "KillMode=mixed",
    "TimeoutStopSec=15",
    "",
    `# ~/.config/systemd/user/${unit}.timer`,
    "[Unit]",
    `Description=falcon-exp: ${escapeUnit(experiment)}, every night`,
    "",
    "[Timer]",
    `OnCalendar=*-*-* ${twoDigits(hour)}:${twoDigits(minute)}:00`,
    "# A missed night is made up for when the machine is on again.",
    "Persistent=true",
    "",
    "[Install]",
    "WantedBy=timers.target",
    "",
    `# systemctl --user daemon-reload && systemctl --user enable --now ${unit}.timer`,
    "",
  ].join("\n");
}

function buildCron(schedule: Schedule): string {
  const { experiment, cwd } = schedule;
  const log = quoteShell(`${cwd}/falcon-exp-${experiment}.log`);
  const old = quoteShell(`${cwd}/falcon-exp-${experiment}.log.1`);
  // A log larger than a megabyte replaces the old one.
  const rotate = `if [ -n "$(find ${log} -size +1024k 2> /dev/null)" ]; then mv -f ${log} ${old}; fi`;
  const command = `cd ${quoteShell(cwd)} && ${rotate}; ${startLine(schedule)} >> ${log} 2>&1`;
  return `# crontab -e\n${atNight(schedule)} ${escapeCron(command)}\n`;
}

function buildScrontab(schedule: Schedule): string {
  const command = `cd ${quoteShell(schedule.cwd)} && exec ${startLine(schedule)}`;
  return [
    "# scrontab -e; Slurm runs one at a time. Put what the job needs from the cluster into executor.slurm, or into lines like the first.",
    `#SCRON --job-name=falcon-exp-${schedule.experiment}`,
    `${atNight(schedule)} ${escapeCron(command)}`,
    "",
  ].join("\n");
}

function atNight({ minute, hour }: Schedule): string {
  return `${minute} ${hour} * * *`;
}

function listWords({ program, file, options }: Schedule): readonly string[] {
  return [...program, "run", file, ...options];
}

function startLine(schedule: Schedule): string {
  const { env } = schedule;
  const variables = Object.entries(env).map(([key, value]) => `${key}=${quoteShell(value)}`);
  const prefix = variables.length === 0 ? [] : ["env", ...variables];
  return [...prefix, ...listWords(schedule).map(quoteShell)].join(" ");
}

/** cron takes a % as the end of the line. */
function escapeCron(command: string): string {
  return command.replaceAll("%", "\\%");
}

function quoteShell(word: string): string {
  return /^[\w./:@,=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** systemd expands % and $. */
function escapeUnit(text: string): string {
  return text.replaceAll("%", "%%");
}

function quoteUnit(word: string): string {
  const escaped = escapeUnit(word).replaceAll("$", "$$$$");
  return /^[\w./:@,=+%$-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/[\\"]/g, "\\$&")}"`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
