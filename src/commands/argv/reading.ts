/** Commands that read what was measured. A command's module loads only when it is called. */
import { Option } from "@commander-js/extra-typings";
import {
  type ArgvContext,
  collected,
  dateArgument,
  jsonOption,
  periodSec,
  portNumber,
  resultsOption,
  wholeNumber,
} from "./shared.js";

export function readingCommands({ io, setExitCode, command }: ArgvContext): void {
  command("compare <first> <others...>", "compare runs or single configurations (RUN#LABEL)", [
    "compare results/quant/20261123T020000Z-1f3a results/quant/20261124T020000Z-88b1",
    "compare quant#none quant#fp4",
    "compare quant /mnt/other-machine/results/quant --markdown > comment.md",
    "compare quant quality --force --chart compare.png",
  ])
    .addOption(resultsOption)
    .option("--force", "compare even with other prompts, texts or settings", false)
    .option("--markdown", "print Markdown", false)
    .option("--chart <file>", "write a chart: a file ending in .png, .svg or .vl.json")
    .addOption(jsonOption)
    .action(async (first: string, others: string[], options) => {
      const args = { sides: [first, ...others], ...options };
      setExitCode(await (await import("../compare.js")).run(io, args));
    });
  command("list", "list the runs in the results folder, newest first", [
    "list",
    "list --experiment quant --limit 5",
    "list --json | jq -r '.runs[] | select(.status == \"killed\") | .path'",
  ])
    .addOption(resultsOption)
    .option("--experiment <name>", "only runs of this experiment")
    .addOption(
      new Option(
        "--limit <runs>",
        "maximum number of runs (default: 20 in the table, all with --json)",
      ).argParser(wholeNumber),
    )
    .addOption(jsonOption)
    .action(async (options) => {
      setExitCode(await (await import("../list.js")).run(io, options));
    });
  command("prune <experiment>", "list which old runs of an experiment would be removed; --yes removes them", [
    "prune quant --keep 30",
    "prune quant --keep 30 --yes",
  ])
    .addOption(
      new Option(
        "--keep <runs>",
        "keep this many completed runs, and everything newer than the oldest of them",
      )
        .argParser(wholeNumber)
        .makeOptionMandatory(),
    )
    .option("--yes", "remove them", false)
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (experiment: string, options) => {
      setExitCode(await (await import("../prune.js")).run(io, { experiment, ...options }));
    });
  command("show <run>", "show a run's table, verdicts and picture at the terminal; writes nothing", [
    "show quant                                the newest run of this experiment",
    "show results/quant/20261124T023746Z-a1b2",
    "show quant --picture none",
  ])
    .addOption(resultsOption)
    .addOption(
      new Option(
        "--picture <how>",
        "draw the overview as a picture in the terminal, or as bars of characters",
      )
        .choices(["auto", "kitty", "iterm", "blocks", "none"])
        .default("auto"),
    )
    .option("--answers", "print every answer first", false)
    .addOption(jsonOption)
    .action(async (run: string, options) => {
      setExitCode(await (await import("../show.js")).run(io, { run, ...options }));
    });
  command("serve [results]", "show runs in the browser: lists, reports, comparisons, live progress", [
    "serve",
    "serve results/example --port 8000",
  ])
    .addOption(
      new Option("--port <port>", "port on 127.0.0.1; 0 is any that is free")
        .default(0)
        .argParser(portNumber),
    )
    .addOption(new Option("--json", "print the address as one JSON document").default(false))
    .action(async (results: string | undefined, options) => {
      setExitCode(await (await import("../serve.js")).run(io, { results: results ?? "results", ...options }));
    });
  command(
    "history <experiment>",
    "follow each metric over an experiment's runs: what changed when, and whether the newest run is worse",
    [
      "history experiments/quant.yaml",
      "history quant --fail-on 'decode_tokens_per_sec<-5%' --fail-on 'peak_memory_bytes>1.2GB'",
      "history quant --since 2026-11-01 --every 24h --markdown > comment.md",
      "history results/example/quant --no-charts",
    ],
  )
    .addOption(resultsOption)
    .addOption(
      new Option(
        "--fail-on <condition>",
        "exit with 9 if the newest run breaks it beyond noise: METRIC<-5%, METRIC>1.2GB; repeatable",
      )
        .argParser(collected)
        .default([], "none"),
    )
    .addOption(new Option("--last <runs>", "use only the newest N runs").argParser(wholeNumber))
    .addOption(
      new Option("--since <date>", "only runs started on this date (UTC) or later").argParser(dateArgument),
    )
    .addOption(
      new Option("--every <period>", "mark runs missed at this interval: 30min, 24h, 7d").argParser(
        periodSec,
      ),
    )
    .option("--out <folder>", "folder for the charts (default: results/<experiment>/history)")
    .option("--no-charts", "write no charts")
    .option("--markdown", "print Markdown, for a comment", false)
    .addOption(jsonOption)
    .action(async (experiment: string, options) => {
      setExitCode(await (await import("../history.js")).run(io, { experiment, ...options }));
    });
  command("report <run>", "draw tables and charts again, from the records alone", [
    "report quant                              the newest run of this experiment",
    "report results/quant/20261124T023746Z-a1b2",
  ])
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (run: string, options) => {
      setExitCode(await (await import("../report.js")).run(io, { run, ...options }));
    });
}
