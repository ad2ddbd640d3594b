import { expect, test } from "vitest";
import { collectQuestions } from "../../src/analysis/answers.js";
import { describePrompt } from "../../src/protocol/prompt.js";
import { groupRecords } from "../../src/run/run-data.js";
import { fakeRun } from "../fixtures/records.js";

test("a conversation is shown as a transcript", () => {
  const records = fakeRun().records.map((record) =>
    record.kind === "run"
      ? {
          ...record,
          prompts: record.prompts.map((prompt, index) =>
            index > 0
              ? prompt
              : {
                  ...prompt,
                  prompt: [
                    { role: "user" as const, content: "Which fruit?" },
                    { role: "assistant" as const, content: "A banana." },
                    { role: "user" as const, content: "Why?" },
                  ],
                },
          ),
        }
      : record,
  );
  const [first, second] = collectQuestions(groupRecords(records, "test"));
  expect(describePrompt(first?.prompt ?? "")).toBe(
    "user: Which fruit?\n\nassistant: A banana.\n\nuser: Why?",
  );
  expect(describePrompt(second?.prompt ?? "")).toBe("Explain in one sentence why the sky is blue.");
});
