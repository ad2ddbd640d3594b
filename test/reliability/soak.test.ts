import { expect, test } from "vitest";
import { soak } from "../../bench/soak-run.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { scriptedPython } from "../fixtures/started-run.js";

test("a run whose controller and supervisor are killed again and again measures every trial exactly once", async () => {
  const result = await soak({
    folder: scratchFolder(),
    python: scriptedPython("paced"),
    configurations: 20,
    weights: { trial: 0, supervisor: 1, controller: 1 },
    killAfterSec: [2, 4],
    seed: 7,
  });
  expect(result.kills.controller + result.kills.supervisor).toBeGreaterThan(0);
  expect(result).toMatchObject({ trialsPlanned: 40, trialsOnce: 40, trialsMissing: 0, trialsTwice: 0 });
  expect(result.processesLeft).toBe(0);
}, 300_000);
