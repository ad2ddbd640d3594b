/** Commands that plan and measure. A command's module loads only when it is called. */
import { Option } from "@commander-js/extra-typings";
import {
  type ArgvContext,
  collected,
  jsonOption,
  memoryOption,
  periodSec,
  pollOption,
  pythonOption,
  resultsOption,
  setOption,
  wholeNumber,
} from "./shared.js";

export function measuringCommands({ io, setExitCode, command, program }: ArgvContext): void {
  command(
    "run [experiment]",
    "measure every configuration of an experiment file, or resume an interrupted run",
    [
      "run experiments/quant.yaml",
      "run experiments/quant.yaml --set generation.max_new_tokens=8 --set repeats=3",
      "run experiments/falcon-tiny.yaml --json > summary.json",
      "run experiments/quant.yaml --fail-on 'decode_tokens_per_sec<20'   a budget, for CI",
      "run experiments/quant.yaml --reuse               measure only what is new or has changed",
      "run experiments/quant.yaml --resume              its newest run, from the first unfinished trial",
      "run --resume quant/20261124T023746Z-a1b2         this one",
      "run --resume quant --retry-failed                what failed as well",
      "run experiments/quant.yaml --executor slurm      in array tasks of a cluster (docs/slurm.md)",
      "run --plan results/quant/20261124T023746Z-a1b2 --slice 0/4   one of four tasks, on any machine",
      "run experiments/quant.yaml --worker tcp://gpubox:5599 --worker-key KEY   on another machine (docs/remote.md)",
    ],
  )
    .addOption(setOption)
    .option(
      "--reuse",
      "take finished configurations from earlier runs if nothing they depend on has changed",
      false,
    )
    .option("--resume [run]", "resume a run with its frozen plan; without a value, the experiment's newest")
    .addOption(
      new Option("--retry-failed", "with --resume or --slice: retry what failed")
        .default(false)
        .implies({ resume: true }),
    )
    .addOption(
      new Option("--accept-changes", "with --resume: resume even if libraries or machine have changed")
        .default(false)
        .implies({ resume: true }),
    )
    .option("--plan <run>", "with --slice: a frozen plan (plan FILE --freeze), as a run or a file")
    .option(
      "--slice <k/n>",
      "measure only this slice, k from 0; a reference and what is compared with it stay together",
    )
    .option("--into <folder>", "with --slice: the run's folder (default: the plan's)")
    .addOption(
      new Option(
        "--attempts <tries>",
        "with --slice: after this many interrupted tries, count it as failed (default: no limit)",
      ).argParser(wholeNumber),
    )
    .addOption(
      new Option(
        "--executor <executor>",
        "where to measure: this machine or Slurm (default: slurm if the file has executor.slurm)",
      ).choices(["local", "slurm"]),
    )
    .option("--dry-run", "with Slurm: print the script that sbatch would get, and submit nothing", false)
    .option("--detach", "with Slurm: submit and do not wait; attach RUN follows the run", false)
    .addOption(pollOption)
    .addOption(pythonOption)
    .addOption(resultsOption)
    .addOption(
      new Option(
        "--transport <transport>",
        "how the worker is reached: Unix sockets, or local TCP with CURVE",
      )
        .choices(["ipc", "tcp"])
        .env("FALCON_EXP_TRANSPORT"),
    )
    .option(
      "--on-regression <command>",
      "with --fail-on: program to call on a regression; FALCON_EXP_RUN and FALCON_EXP_SUMMARY name the run",
    )
    .option(
      "--scheduled",
      "for schedulers: do nothing if another scheduled run of the experiment is running, and record that in missed.jsonl",
      false,
    )
    .addOption(
      new Option(
        "--wait-quiet <period>",
        "with --scheduled: wait at most this long for a quiet machine, such as 10min",
      )
        .argParser(periodSec)
        .implies({ scheduled: true }),
    )
    .option(
      "--devices <list>",
      "spread over devices of this machine, each with one worker at a time: cuda:0,cuda:1 or cpu:0-3,cpu:4-7",
    )
    .option("--worker <address>", "measure on another machine's falcon-exp worker: tcp://HOST:PORT")
    .option("--worker-key <key>", "with --worker: that machine's public key (printed by `keys`)")
    .addOption(
      new Option(
        "--fail-on <condition>",
        "exit with 9 if this run breaks it beyond noise: METRIC>1.2GB, METRIC<-5%; repeatable",
      )
        .argParser(collected)
        .default([], "none"),
    )
    .addOption(jsonOption)
    .action(async (file: string | undefined, options) => {
      setExitCode(await (await import("../run.js")).run(io, { file, ...options }));
    });
  command("attach <run>", "follow a Slurm run, resubmit lost tasks, and draw the report at the end", [
    "attach quant",
    "attach results/quant/20261124T023746Z-a1b2 --json > summary.json",
  ])
    .addOption(pollOption)
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (run: string, options) => {
      setExitCode(await (await import("../attach.js")).run(io, { run, ...options }));
    });
  command("status <run>", "show where each task of a Slurm run is; changes nothing", [
    "status quant",
    "status quant --json | jq '.tasks[] | select(.status != \"over\")'",
  ])
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (run: string, options) => {
      setExitCode(await (await import("../status.js")).run(io, { run, ...options }));
    });
  command("cancel <run>", "cancel the tasks of a Slurm run; what they measured is kept", ["cancel quant"])
    .addOption(pollOption)
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (run: string, options) => {
      setExitCode(await (await import("../cancel.js")).run(io, { run, ...options }));
    });
  command("schedule <experiment>", "print a job that runs an experiment every night; installs nothing", [
    "schedule experiments/quant.yaml --nightly 02:30 --as systemd",
    "schedule experiments/quant.yaml --nightly 02:30 --as cron >> my.crontab",
    "schedule experiments/sweep.yaml --nightly 02:30 --as slurm        for scrontab",
  ])
    .requiredOption("--nightly <time>", "time of day such as 02:30, in the scheduler's time zone")
    .addOption(
      new Option("--as <scheduler>", "the scheduler")
        .choices(["systemd", "cron", "slurm"])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--wait-quiet <period>",
        "wait at most this long for a quiet machine, such as 10min",
      ).argParser((text) => {
        periodSec(text);
        return text;
      }),
    )
    .addOption(
      new Option("--fail-on <condition>", "judge each run, as run --fail-on; repeatable")
        .argParser(collected)
        .default([], "none"),
    )
    .option("--on-regression <command>", "with --fail-on: program to call on a regression")
    .action(async (file: string, options) => {
      setExitCode(await (await import("../schedule.js")).run(io, { file, ...options }));
    });
  program
    .command("slot-speed", { hidden: true })
    .description("how fast this process reads memory; run --devices asks it")
    .action(async () => {
      setExitCode(await (await import("../slot-speed.js")).run(io));
    });
  command(
    "fetch <experiment>",
    "download once what an experiment's runs need from a hub (models, task data, libraries); its runs then work offline",
    ["fetch experiments/falcon-40b.yaml", "fetch experiments/quality.yaml --json"],
  )
    .addOption(setOption)
    .addOption(pythonOption)
    .addOption(jsonOption)
    .action(async (file: string, options) => {
      setExitCode(await (await import("../fetch.js")).run(io, { file, ...options }));
    });
  command("validate <experiment>", "check an experiment file; needs neither Python nor network", [
    "validate experiments/quant.yaml",
    "validate experiments/quant.yaml --set repeats=0",
  ])
    .addOption(setOption)
    .addOption(jsonOption)
    .action(async (file: string, options) => {
      setExitCode(await (await import("../validate.js")).run(io, { file, ...options }));
    });
  command(
    "plan <experiment>",
    "show what would be measured; needs neither Python nor network unless --estimate is given",
    [
      "plan experiments/quant.yaml",
      "plan experiments/quant.yaml --estimate           memory by parts, no download",
      "plan experiments/quant.yaml --estimate --memory 24GB --memory 80GB",
      "plan experiments/quant.yaml --freeze             for tasks on several machines",
      "plan experiments/falcon-40b.yaml --json | jq '.configurations[].worker.label'",
    ],
  )
    .addOption(setOption)
    .option("--freeze", "create a run folder with this plan, for run --slice, and print its path", false)
    .option("--estimate", "estimate each configuration's memory, and whether it fits", false)
    .addOption(memoryOption)
    .addOption(pythonOption)
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (file: string, options) => {
      setExitCode(await (await import("../plan.js")).run(io, { file, ...options }));
    });
  command("fit <model>", "list the quantizations that fit in a given memory, with their longest context", [
    "fit smollm2-135m-instruct --memory 1GB",
    "fit experiments/configs/falcon-40b.json --memory 48GB --context 2048",
    "fit tiiuae/falcon-7b-instruct --memory 24GiB --json",
    "fit smollm2-135m-instruct --cpu --memory 2GB --measure context --quantization nf4   by real loads",
  ])
    .option(
      "--memory <size>",
      "memory to fit in, such as 24GB or 24GiB (default with --measure --cpu: 90 % of what is free)",
    )
    .addOption(
      new Option(
        "--measure <what>",
        "find the longest context or the largest batch that really fits, by real loads on this machine",
      ).choices(["context", "batch"]),
    )
    .addOption(
      new Option("--quantization <name>", "only this one; repeatable")
        .argParser(collected)
        .default([], "those of every method"),
    )
    .addOption(
      new Option("--context <tokens>", "prompt and answer together").default(2048).argParser(wholeNumber),
    )
    .addOption(
      new Option("--batch <rows>", "prompts answered together, each with that context")
        .default(1)
        .argParser(wholeNumber),
    )
    .addOption(
      new Option("--dtype <dtype>", "dtype of what is not quantized")
        .choices(["auto", "bfloat16", "float16", "float32"])
        .default("auto"),
    )
    .option("--cpu", "estimate for a CPU: count the process, no CUDA context", false)
    .addOption(pythonOption)
    .addOption(resultsOption)
    .addOption(jsonOption)
    .action(async (model: string, options) => {
      setExitCode(await (await import("../fit.js")).run(io, { model, ...options }));
    });
}
