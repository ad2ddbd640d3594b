import { afterAll, afterEach, describe, expect, it } from "vitest";
import { measurePairs, runSliced } from "../../bench/overhead/pairs.js";
import {
  type LoadedSide,
  openProduct,
  openSource,
  type SideSource,
  SWITCHES,
} from "../../bench/overhead/sides.js";
import { loadExperiment } from "../../src/experiment/load.js";
import { makePlan } from "../../src/plan/make-plan.js";
import type { PlanConfiguration } from "../../src/plan/plan-types.js";
import { pythonFolder, testPython } from "../fixtures/python.js";

const modelPath = process.env.FALCON_EXP_TEST_MODEL ?? "";
const sources: SideSource[] = [];
/** The loop that all others are compared with. It rests between tests. */
let plain: Promise<{ readonly source: SideSource; readonly side: LoadedSide }> | null = null;

afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
});

afterAll(async () => {
  const { source, side } = (await plain) ?? {};
  await side?.end();
  await source?.close();
});

async function makeTinyPlan() {
  const overrides = [`model=${modelPath}`, "generation.max_new_tokens=4", "generation.min_new_tokens=4"];
  const { experiment } = await loadExperiment("experiments/quant.yaml", { overrides });
  return makePlan(experiment, { workerCodeSha256: "" });
}

async function open(spec: string): Promise<SideSource> {
  const { timeouts } = (await makeTinyPlan()).header;
  const env = { PYTHONPATH: pythonFolder };
  return openSource(spec, { python: testPython(), modelPath, env, timeouts });
}

async function loadPlain(configuration: PlanConfiguration) {
  const source = await open("plain");
  const side = await source.load(configuration);
  side.rest();
  return { source, side };
}

describe("openSource", () => {
  it("refuses what it does not know, and says what it knows", async () => {
    await expect(open("prodct")).rejects.toThrow(/plain, product, without:SWITCH,… .*progress, clock/);
    await expect(open("without:progres")).rejects.toThrow(/without:progres is none of/);
  });

  it.each(["product", `without:${Object.keys(SWITCHES).join(",")}`])(
    "gives a side %s that generates the same as the plain loop, one of them at a time",
    async (spec) => {
      const [configuration] = (await makeTinyPlan()).configurations;
      if (configuration === undefined) throw new Error("the plan has a configuration");
      plain ??= loadPlain(configuration);
      const against = (await plain).side;
      const source = await open(spec);
      sources.push(source);
      const measured = await source.load(configuration);
      measured.rest();
      expect(measured.threads).toBe(against.threads);
      const pairs = await measurePairs({
        run: runSliced(measured, against, 50),
        prompts: ["Say a word."],
        schedule: [
          { promptIndex: 0, measuredFirst: true },
          { promptIndex: 0, measuredFirst: false },
        ],
        watch: () => () => null,
        quietCpus: 0,
        mostAgain: 0,
      });
      expect(pairs).toHaveLength(2);
      for (const { measured: one, against: other } of pairs) {
        expect(one.text).not.toBe("");
        expect(one.text).toBe(other.text);
        expect(one.elapsedSec).toBeGreaterThan(0);
      }
      await measured.end();
    },
  );
});

describe("openProduct", () => {
  it("generates as the plain loop does in the same process, whichever goes first", async () => {
    const plan = await makeTinyPlan();
    const env = { PYTHONPATH: pythonFolder, FALCON_EXP_BENCH_PAIRED: "1" };
    const side = await openProduct("product", "", {
      python: testPython(),
      env,
      timeouts: plan.header.timeouts,
    });
    try {
      const [configuration] = plan.configurations;
      if (configuration === undefined) throw new Error("the plan has a configuration");
      await side.load(configuration);
      for (const measuredFirst of [true, false]) {
        const { measured, against } = await side.generatePair(
          { promptIndex: 0, measuredFirst },
          "Say a word.",
        );
        expect(measured.text).not.toBe("");
        expect(measured.text).toBe(against.text);
        expect(measured.elapsedSec).toBeGreaterThan(0);
        expect(against.elapsedSec).toBeGreaterThan(0);
      }
      await side.end();
    } finally {
      await side.close();
    }
  });
});
