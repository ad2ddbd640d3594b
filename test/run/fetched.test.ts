/** What is fetched once, and which runs can then do without the network. */
import { expect, test } from "vitest";
import {
  findHubCache,
  isNothing,
  listNeeds,
  offlineVariables,
  readMark,
  writeMark,
} from "../../src/run/fetched.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const HUB =
  "name: x\nmodel: a/b\nprompts: [hello]\nmatrix: {model: [a/b, {hub: a/b, revision: v1}], quantization: [none, nf4]}\n";
const MARK = {
  fetched_at: "2026-11-30T05:00:00.000Z",
  hub_cache: "/hf/hub",
  commits: { "a/b": "0".repeat(40) },
};

test("each model of a hub is needed once a revision, with the data of its tasks", async () => {
  const needs = listNeeds(await planExperiment(`${HUB}quality: {lm_eval: {tasks: [arc_easy]}}\n`));
  expect(needs).toEqual({
    models: [
      { repo: "a/b", revision: null, with_code: false },
      { repo: "a/b", revision: "v1", with_code: false },
    ],
    adapters: [],
    code_of: [],
    tasks: { tasks: ["arc_easy"], include_path: null },
  });
  expect(isNothing(needs)).toBe(false);
  expect(isNothing(listNeeds(await planExperiment(minimal())))).toBe(true);
});

test("a run is offline where just that was fetched into the cache that it looks in", async () => {
  const home = scratchFolder();
  const needs = listNeeds(await planExperiment(HUB));
  expect(readMark(home, needs, { HF_HOME: "/hf" })).toBeNull();
  await writeMark(home, needs, MARK);
  expect(readMark(home, needs, { HF_HOME: "/hf" })).toEqual(MARK);
  expect(readMark(home, needs, { HF_HUB_CACHE: "/elsewhere" })).toBeNull();
  const more = listNeeds(await planExperiment(`${HUB}trust_remote_code: true\n`));
  expect(readMark(home, more, { HF_HOME: "/hf" })).toBeNull();
});

test.each([
  [{ HOME: "/h" }, "/h/.cache/huggingface/hub"],
  [{ HOME: "/h", XDG_CACHE_HOME: "/c" }, "/c/huggingface/hub"],
  [{ HF_HOME: "/hf", XDG_CACHE_HOME: "/c" }, "/hf/hub"],
  [{ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" }, "/old"],
  [{ HF_HUB_CACHE: "/new", HUGGINGFACE_HUB_CACHE: "/old" }, "/new"],
])("with %j the hub's cache is %s", (env, folder) => {
  expect(findHubCache(env)).toBe(folder);
});

test("what the user says of the network stays", () => {
  expect(offlineVariables({})).toEqual({ HF_HUB_OFFLINE: "1", HF_DATASETS_OFFLINE: "1" });
  expect(offlineVariables({ HF_HUB_OFFLINE: "0" })).toEqual({ HF_DATASETS_OFFLINE: "1" });
});

test("an adapter of the hub is needed as its base is", async () => {
  const needs = listNeeds(
    await planExperiment("name: x\nprompts: [a]\nmodel: {hub: a/b, adapter: {hub: c/d}}\n"),
  );
  expect([needs.models, needs.adapters]).toEqual([
    [{ repo: "a/b", revision: null, with_code: false }],
    [{ repo: "c/d", revision: null }],
  ]);
});
