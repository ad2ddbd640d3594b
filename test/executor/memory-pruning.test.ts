/** `skip_implied`: once memory has run out, whatever needs at least as much is not tried. */
import { expect, test } from "vitest";
import type { Plan } from "../../src/plan/plan-types.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { smallPlan } from "../fixtures/plans.js";
import { runPlan } from "../fixtures/run-plan.js";

const LONG = "a long question";

/** Two configurations of equal size, each with these prompts. */
function planWith(
  prompts: readonly string[],
  options: { readonly warmup?: number; readonly text?: boolean } = {},
): Plan {
  const plan = smallPlan(["small", "large"], { trials: prompts.length, warmup: options.warmup ?? 0 });
  const trials = plan.trials.map((trial) => ({ ...trial, prompt: prompts[trial.prompt_index] ?? "" }));
  if (options.text !== true) return { ...plan, trials };
  const text = { id: "english", sha256: "0".repeat(64), characters: 4 };
  const quality = {
    context: 8,
    max_tokens: 8,
    keep_logprobs: false,
    kl: "forward" as const,
    texts: [text],
    lm_eval: null,
  };
  return {
    ...plan,
    header: { ...plan.header, quality },
    trials,
    texts: [{ schema_version: 1, kind: "text", id: "english", sha256: text.sha256, text: "text" }],
  };
}

const listOf = (records: readonly RunFileRecord[], label: string) =>
  records.filter((record) => "configuration" in record && record.configuration === label);
const listKinds = (records: readonly RunFileRecord[], label: string) =>
  listOf(records, label).map((record) =>
    "status" in record ? `${record.kind}:${record.status}` : record.kind,
  );
const findMessages = (records: readonly RunFileRecord[], label: string) =>
  listOf(records, label).flatMap((record) => ("failure" in record ? [record.failure.message] : []));

const NOT_TRIED = "Not tried: small ran out of memory here, and this needs at least as much.";

test("memory that ran out for one prompt is not tried for that prompt again, and the others are measured", async () => {
  const { records } = await runPlan(planWith(["short", LONG]), "oom-for-long");
  expect(listKinds(records, "small")).toEqual([
    "load",
    "trial:completed",
    "trial:failed",
    "configuration:completed",
  ]);
  expect(listKinds(records, "large")).toEqual([
    "load",
    "trial:failed",
    "trial:completed",
    "configuration:completed",
  ]);
  expect(findMessages(records, "small")).toEqual(["no room for so many tokens"]);
  expect(findMessages(records, "large")).toEqual([NOT_TRIED]);
  expect(listOf(records, "large").find((record) => record.kind === "trial")).toMatchObject({
    prompt_index: 1,
    failure: { code: "out-of-memory-device", phase: "measure" },
  });
});

test("memory that ran out for every prompt skips the larger configuration, whatever failed first", async () => {
  const { records } = await runPlan(planWith([LONG, LONG]), "oom-for-long");
  expect(listKinds(records, "large")).toEqual(["configuration:skipped"]);
  const { records: mixed } = await runPlan(planWith(["much too long", LONG]), "oom-for-long");
  expect(listOf(mixed, "small").at(-1)).toMatchObject({ failure: { code: "prompt-too-long" } });
  expect(findMessages(mixed, "large")).toContain(NOT_TRIED);
});

test("memory that ran out in the warm-up skips the larger configuration", async () => {
  const { records } = await runPlan(planWith(["short"], { warmup: 1 }), "oom-in-warmup");
  expect(listOf(records, "small").at(-1)).toMatchObject({
    failure: { code: "out-of-memory-host", phase: "warmup" },
  });
  expect(listOf(records, "large")).toMatchObject([
    { status: "skipped", reason: "implied by small: out-of-memory-host" },
  ]);
});

test("memory that ran out while a text was scored leaves the text out, and the trials are measured", async () => {
  const { records, events } = await runPlan(planWith(["short"], { text: true }), "oom-in-quality");
  expect(listKinds(records, "large")).toEqual([
    "load",
    "trial:completed",
    "quality:failed",
    "configuration:completed",
  ]);
  expect(findMessages(records, "large")).toEqual([NOT_TRIED]);
  expect(events.filter(({ type }) => type === "measurement-started")).toHaveLength(1);
});

test("with skip_implied: false all of it is tried", async () => {
  const plan = planWith(["short", LONG], { text: true });
  const all = { ...plan, header: { ...plan.header, skip_implied: false } };
  const { records } = await runPlan(all, "oom-for-long");
  expect(findMessages(records, "large")).toEqual(["no room for so many tokens"]);
});
