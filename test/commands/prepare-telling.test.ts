import { expect, test } from "vitest";
import { TellingAhead } from "../../src/commands/prepare-telling.js";
import { smallPlan } from "../fixtures/plans.js";

/** Returns the drawing that has begun once the plan's last load session is measured; null if none has. */
function begunAfterLast(furtherRounds: number) {
  const { header, blocks } = smallPlan(["none", "fp4"]);
  const ahead = new TellingAhead({ header: { ...header, further_rounds: furtherRounds }, blocks });
  for (const session of blocks) {
    expect(ahead.drawing).toBeNull();
    ahead.onEvent({ type: "session-measured", session });
  }
  return ahead.drawing;
}

test("what draws is loaded as soon as the last model is measured", async () => {
  expect(await begunAfterLast(0)).toMatchObject({ problem: null });
});

test("where further loads may follow it waits for the end: nothing is loaded beside what they measure", () => {
  expect(begunAfterLast(2)).toBeNull();
});
