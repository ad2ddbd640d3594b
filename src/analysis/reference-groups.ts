import type { ConfigurationSummary } from "../run/summary-schema.js";
/** Configurations beside what they are compared with: one group a reference, so that models are never mixed. */

export interface ReferenceGroup {
  /** Null in runs whose reference is not among the configurations. */
  readonly reference: ConfigurationSummary | null;
  /** The reference too, in the order of running. */
  readonly configurations: readonly ConfigurationSummary[];
}

/** In the order in which their first configurations ran. */
export function groupByReference(configurations: readonly ConfigurationSummary[]): readonly ReferenceGroup[] {
  // Summaries made before there was a reference for each model do not name it.
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

/** The same configurations, those of one group together. */
export function orderByReference(configurations: readonly ConfigurationSummary[]): ConfigurationSummary[] {
  return groupByReference(configurations).flatMap((group) => group.configurations);
}
