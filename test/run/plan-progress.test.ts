import fc from "fast-check";
import { expect, test } from "vitest";
import type { LoadSession, Plan } from "../../src/plan/plan-types.js";
import { PlanProgress, type SessionWork, UNFINISHED } from "../../src/run/plan-progress.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { isTransient, TRANSIENT_CODES } from "../../src/run/transient.js";
import { FAILURE_CODES } from "../../src/worker/failures.js";
import { planExperiment } from "../fixtures/experiments.js";
import { qualityMeasurement } from "../fixtures/quality.js";
import { failure, fakeRun, measurement } from "../fixtures/records.js";

const HEAD = { schema_version: 1, run_id: "r", at: "2026-01-01T00:00:00.000Z" } as const;
const { records: fake } = fakeRun();
const loads = fake.filter((record) => record.kind === "load");
const start = fake[0] as RunFileRecord;

/** How a trial ends on its nth try, counted from 0; null if it completes. */
type Fate = (trialId: string, tries: number) => string | null;

/** An executor without processes: records the work that is left until none is, or until there are `budget` records. */
function execute(
  plan: Plan,
  before: readonly RunFileRecord[],
  fate: Fate,
  budget = Number.POSITIVE_INFINITY,
) {
  const records = [...before];
  const progress = new PlanProgress(plan, before);
  const tries = new Map<string, number>();
  for (const record of before) {
    if (record.kind === "trial") tries.set(record.trial_id, (tries.get(record.trial_id) ?? 0) + 1);
  }
  class Killed extends Error {}
  const write = (record: RunFileRecord) => {
    if (records.length >= budget) throw new Killed();
    records.push(record);
    progress.apply(record);
  };
  const attempt = (work: SessionWork) => {
    const { session } = work;
    const of = {
      ...HEAD,
      configuration_id: session.configuration_id,
      configuration: session.configuration_id,
      attempt: work.attempt,
      reused_from: null,
    };
    if (session.role === "sentinel") {
      for (const { prompt_index, prompt_id } of work.trials) {
        const { attempt: _, reused_from: __, ...plain } = of;
        const at = { position: session.round, prompt_index, prompt_id };
        write({ ...plain, kind: "sentinel", ...at, status: "completed", measurement: measurement() });
      }
      return;
    }
    const end = {
      ...of,
      kind: "configuration",
      round: session.round,
      elapsed_sec: 1,
      notices: [] as { source: string; text: string; count: number }[],
    } as const;
    const counts = { trials_completed: 0, trials_planned: 1 };
    write({
      ...of,
      kind: "load",
      round: session.round,
      identity_sha256: "",
      load: loads[0]?.load as (typeof loads)[number]["load"],
      hostname: null,
    });
    for (const trial of work.trials) {
      const { id, index, prompt_index, prompt_id, repeat, round } = trial;
      const commonFields = {
        ...of,
        kind: "trial",
        trial_id: id,
        trial_index: index,
        prompt_index,
        prompt_id,
        repeat,
        round,
      } as const;
      const code = fate(id, tries.get(id) ?? 0);
      tries.set(id, (tries.get(id) ?? 0) + 1);
      if (code === null) {
        write({
          ...commonFields,
          status: "completed",
          measurement: measurement(),
          batch_prompt_ids: null,
          disturbed_by: [],
        });
        continue;
      }
      write({ ...commonFields, status: "failed", failure: failure({ code }) });
      if (isTransient(code)) {
        write({ ...end, ...counts, status: "failed", failure: failure({ code }) });
        return;
      }
    }
    for (const { id } of work.texts) {
      const scored = qualityMeasurement({ text_id: id });
      write({ ...of, kind: "quality", text_id: id, status: "completed", measurement: scored });
    }
    if (work.profile) {
      const timed = { decode_steps: 1, forward_sec: 1, linear_sec: 1, head_sec: 0 };
      write({ ...of, kind: "profile", status: "completed", measurement: timed });
    }
    write({ ...end, ...counts, status: "completed", proof_after: null, repeats_end: "as-planned" });
  };
  const run = (session: LoadSession) => {
    let work = progress.findRemainingWork(session, UNFINISHED);
    while (work !== null) {
      attempt(work);
      work = progress.findRemainingWork(session, UNFINISHED);
      if (work?.retryOf == null) return;
    }
  };
  try {
    if (!progress.hasStarted) write(start);
    for (const session of plan.blocks) run(session);
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
  return { records, progress };
}

const planArbitrary = fc
  .record({
    quantizations: fc.subarray(["none", "int8", "fp4"], { minLength: 1 }),
    prompts: fc.integer({ min: 1, max: 3 }),
    repeats: fc.integer({ min: 1, max: 3 }),
    rounds: fc.integer({ min: 1, max: 3 }),
    retries: fc.integer({ min: 0, max: 2 }),
    sentinel: fc.boolean(),
    profile: fc.boolean(),
    quality: fc.boolean(),
  })
  .map((of) =>
    [
      "name: x",
      "model: smollm2-135m-instruct",
      `prompts: [${Array.from({ length: of.prompts }, (_, i) => `p${i}`).join(", ")}]`,
      `matrix: { quantization: [${of.quantizations.join(", ")}] }`,
      `repeats: ${of.repeats}`,
      `rounds: ${of.rounds}`,
      `retries: ${of.retries}`,
      `sentinel: ${of.sentinel}`,
      `profile: ${of.profile}`,
      ...(of.quality ? ["quality: { texts: [code, german], context: 8 }"] : []),
      "",
    ].join("\n"),
  );

const trialsIn = (records: readonly RunFileRecord[], status: "completed" | "failed") =>
  records.flatMap((record) => (record.kind === "trial" && record.status === status ? [record.trial_id] : []));

const always = () => null;

test("resumed after a kill at any record, a run measures every trial exactly once", async () => {
  await fc.assert(
    fc.asyncProperty(planArbitrary, fc.nat(), fc.nat(), async (text, first, second) => {
      const plan = await planExperiment(text);
      const whole = execute(plan, [], always).records;
      const cut = execute(plan, [], always, first % (whole.length + 1)).records;
      const again = execute(plan, cut, always, cut.length + (second % (whole.length + 1))).records;
      const { records, progress } = execute(plan, again, always);
      expect(trialsIn(records, "completed").toSorted()).toEqual(plan.trials.map(({ id }) => id).toSorted());
      expect(progress.listRemainingWork(UNFINISHED)).toEqual([]);
      const extras = (kind: string) => records.filter((record) => record.kind === kind).length;
      expect(extras("quality")).toBe(plan.configurations.length * plan.texts.length);
      expect(extras("profile")).toBe(plan.header.profile ? plan.configurations.length : 0);
      expect(extras("sentinel")).toBe(whole.filter(({ kind }) => kind === "sentinel").length);
      for (const session of plan.blocks) {
        if (session.role === "measure") expect(progress.summarizeSession(session).isComplete).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test("whatever record of a trial is lost, that trial is measured again and no other", async () => {
  await fc.assert(
    fc.asyncProperty(planArbitrary, fc.nat(), async (text, which) => {
      const plan = await planExperiment(text);
      const whole = execute(plan, [], always).records;
      const lost = plan.trials[which % plan.trials.length]?.id;
      const damaged = whole.filter((record) => record.kind !== "trial" || record.trial_id !== lost);
      const { records, progress } = execute(plan, damaged, always);
      expect(trialsIn(records, "completed").toSorted()).toEqual(plan.trials.map(({ id }) => id).toSorted());
      expect(trialsIn(records.slice(damaged.length), "completed")).toEqual([lost]);
      expect(progress.listRemainingWork(UNFINISHED)).toEqual([]);
    }),
  );
});

test("whatever fails, a run comes to an end, tries again within the bound, and measures nothing twice", async () => {
  const codes = fc.constantFrom(null, null, null, "worker-died", "prompt-too-long");
  await fc.assert(
    fc.asyncProperty(planArbitrary, fc.infiniteStream(codes), fc.nat(60), async (text, fates, budget) => {
      const plan = await planExperiment(text);
      const fate = () => fates.next().value as string | null;
      const cut = execute(plan, [], fate, budget).records;
      const { records, progress } = execute(plan, cut, fate);
      const completed = trialsIn(records, "completed");
      expect(new Set(completed).size).toBe(completed.length);
      expect(progress.listRemainingWork(UNFINISHED)).toEqual([]);
      for (const session of plan.blocks) {
        const died = records.filter(
          (record) =>
            record.kind === "configuration" &&
            record.configuration_id === session.configuration_id &&
            record.round === session.round &&
            record.status === "failed",
        );
        expect(died.length).toBeLessThanOrEqual(plan.header.retries + 1);
      }
    }),
    { numRuns: 200 },
  );
});

const small = () =>
  planExperiment(
    "name: x\nmodel: smollm2-135m-instruct\nprompts: [a, b]\nmatrix: { quantization: [none, fp4] }\n",
  );

test("what failed is tried again where that is asked for, and only that", async () => {
  const plan = await small();
  const failing = (id: string) => (id === "fp4/p2/r1" ? "prompt-too-long" : null);
  const { records, progress } = execute(plan, [], failing);
  expect(progress.listRemainingWork(UNFINISHED)).toEqual([]);
  const left = progress.listRemainingWork({ ...UNFINISHED, retryFailed: true });
  expect(
    left.map(({ session, attempt, trials }) => [
      session.configuration_id,
      attempt,
      trials.map(({ id }) => id),
    ]),
  ).toEqual([["fp4", 2, ["fp4/p2/r1"]]]);
  expect(trialsIn(records, "failed")).toEqual(["fp4/p2/r1"]);
});

test("the reference scores a text again only while another configuration is to be compared on it", async () => {
  const plan = await planExperiment(
    "name: x\nmodel: smollm2-135m-instruct\nprompts: [a]\nmatrix: { quantization: [none, fp4] }\nquality: { texts: [code, german], context: 8 }\n",
  );
  const whole = execute(plan, [], always).records;
  const atSecondText = whole.findLastIndex((record) => record.kind === "quality");
  const progress = new PlanProgress(plan, whole.slice(0, atSecondText));
  const gone = () => false;
  const rescore = progress.textsToRescore(gone, false);
  expect([...rescore]).toEqual(["german"]);
  expect(progress.textsToRescore((text) => text === "german", false).size).toBe(0);
  expect(new PlanProgress(plan, whole).textsToRescore(gone, false).size).toBe(0);
  const [first, second] = progress.listRemainingWork({ retryFailed: false, rescore });
  expect(first).toMatchObject({ trials: [], texts: [{ id: "german" }], attempt: 2 });
  expect(second).toMatchObject({ trials: [], texts: [{ id: "german" }], attempt: 2 });
});

test("every failure that may pass is one that a worker can have", () => {
  expect(TRANSIENT_CODES.filter((code) => !(FAILURE_CODES as readonly string[]).includes(code))).toEqual([]);
});

test("files of the same model are to be the same, but for a quantization that brings a checkpoint of its own", async () => {
  const plan = await planExperiment(
    [
      "name: own-files",
      "model: { hub: lab/model }",
      "prompts: [Hello]",
      "generation: { max_new_tokens: 4 }",
      "matrix: { quantization: [none, int8, { method: as-stored, checkpoint: lab/model-AWQ }] }",
    ].join("\n"),
  );
  const [none, int8, stored] = plan.configurations;
  if (none === undefined || int8 === undefined || stored === undefined) throw new Error("three are planned");
  const [load] = loads;
  if (load?.kind !== "load") throw new Error("one is loaded");
  const fingerprints = {
    weights: "a".repeat(64),
    tokenizer: "b".repeat(64),
    chat_template: null,
    generation_settings: null,
  };
  const loaded = { ...load, configuration_id: none.worker.id, load: { ...load.load, fingerprints } };
  const progress = new PlanProgress(plan, [start, loaded]);
  expect(progress.findFingerprints(int8)).toEqual(fingerprints);
  expect(progress.findFingerprints(stored)).toBeNull();
});
