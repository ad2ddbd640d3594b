/** The machine and the libraries. */
import { formatBytes } from "../../base/units.js";
import type { RecordedEnvironment } from "../../run/record-types.js";
import type { RunData } from "../../run/run-data.js";
import { readTraits, type TraitPart } from "../../run/traits.js";
import { definitions, type Fact } from "./definitions.js";
import { folded } from "./folded.js";
import { html, type Markup } from "./markup.js";

export function environmentSection({ run, environment }: RunData): Markup {
  const { controller } = run;
  const machine: Fact[] =
    environment === null
      ? []
      : [
          ["platform", environment.platform],
          ...traitFacts(environment, ["machine"]),
          ["physical cores", environment.cpu_physical_cores],
          [
            "memory",
            environment.memory_total_bytes === null ? null : formatBytes(environment.memory_total_bytes),
          ],
          ...environment.gpus.map((card): Fact => [`GPU ${card.index}`, describeCard(card)]),
          ...environment.memory_bandwidth.map(
            ({ device, read_bytes_per_sec }): Fact => [
              `${device} reads`,
              `${(read_bytes_per_sec / 1e9).toFixed(1)} GB/s`,
            ],
          ),
          ...traitFacts(environment, ["kernels", "system", "library"]),
          ...Object.entries(environment.environment_variables).map(([name, value]): Fact => [name, value]),
        ];
  return folded(
    "environment",
    "Environment",
    html`${environment === null && html`<p class="bad">✗ The worker never started, so nothing is known.</p>`}
${definitions([
  ["falcon-exp", run.falcon_exp_version],
  ["Node", controller.node_version],
  ["host", controller.hostname],
  ["git commit", commitText(controller)],
  ...machine,
])}`,
  );
}

/**
 * The card's name and memory, and what distinguishes it from other cards of its kind. Such cards are equally fast, so this
 * does not count as a difference between runs.
 */
function describeCard({
  name,
  memory_total_bytes,
  mig_profile,
  uuid,
  pci_bus_id,
}: NonNullable<RunData["environment"]>["gpus"][number]): string {
  const parts = [
    name,
    formatBytes(memory_total_bytes),
    mig_profile && `slice ${mig_profile}`,
    uuid,
    pci_bus_id,
  ];
  return parts.filter((part) => part !== null).join(", ");
}

/** The traits that distinguish runs, under their own names; a trait that was not recorded has no line. */
function traitFacts(environment: RecordedEnvironment, parts: readonly TraitPart[]): readonly Fact[] {
  return [...readTraits(environment)].flatMap(([what, { part, value }]): readonly Fact[] =>
    parts.includes(part) && value != null ? [[what, value]] : [],
  );
}

function commitText({ git_commit, git_dirty }: RunData["run"]["controller"]): string | null {
  return git_commit === null ? null : `${git_commit}${git_dirty === true ? ", with changes" : ""}`;
}
