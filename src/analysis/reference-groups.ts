import type { ConfigurationSummary } from "../run/summary-schema.js";
/** Groups configurations with what they are compared with: one group per reference, so that models are never mixed. */

export interface ReferenceGroup {
  /** Null if the run's reference is not among the configurations. */
  readonly reference: ConfigurationSummary | null;
  /** Includes the reference; in the order in which they ran. */
  readonly configurations: readonly ConfigurationSummary[];
}

/** The groups are in the order in which their first configurations ran. */
export function groupByReference(configurations: readonly ConfigurationSummary[]): readonly ReferenceGroup[] {
  // Summaries from before each model had its own reference do not name it.
  const only = configurations.find(({ is_reference }) => is_reference)?.id ?? null;
  const byId = new Map(configurations.map((one) => [one.id, one]));
  const groups = new Map<string | null, ConfigurationSummary[]>();
  for (const one of configurations) {
    const id = one.reference_id ?? only;
    const known = groups.get(id);
    if (known === undefined) groups.set(id, [one]);
    else known.push(one);
  }
  return [...groups].map(([id, own]) => ({
    reference: id === null ? null : (byId.get(id) ?? null),
    configurations: own,
  }));
}

/** The same configurations, reordered so that each group stays together. */
export function orderByReference(configurations: readonly ConfigurationSummary[]): ConfigurationSummary[] {
  return groupByReference(configurations).flatMap((group) => group.configurations);
}
