import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { falconExp } from "../commands/cli.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";

/** Set in the environment of the run; no secret in it may appear in any of the run's files or on the screen. */
const PLANTED = {
  HF_TOKEN: "hf_plantedTokenPlantedToken01",
  HUGGING_FACE_HUB_TOKEN: "hf_plantedTokenPlantedToken02",
  WANDB_API_KEY: "planted-key-03-planted",
  AWS_SECRET_ACCESS_KEY: "planted/secret+04/planted",
  PIP_INDEX_URL: "https://me:planted-password-05@index.invalid/simple",
  GIT_CONFIG_VALUE_0: "https://planted-user-07:planted-password-07@host.invalid/",
  LD_PRELOAD_NOTE: "planted-note-that-is-no-secret",
} as const;
const HUB_PASSWORD = "planted-password-06";
const SECRETS = [
  PLANTED.HF_TOKEN,
  PLANTED.HUGGING_FACE_HUB_TOKEN,
  PLANTED.WANDB_API_KEY,
  PLANTED.AWS_SECRET_ACCESS_KEY,
  ..."5 6 7".split(" ").map((digit) => `planted-password-0${digit}`),
];

test("no token, key or password of the environment is in any file of a run, nor in what it shows", async () => {
  const folder = scratchFolder();
  const text = `name: leaky
model: {hub: lab/model}
prompts: [hello]
warmup: 0
generation: {max_new_tokens: 2}
`;
  writeFileSync(join(folder, "leaky.yaml"), text);
  const args = [
    "run",
    "leaky.yaml",
    "--python",
    testPython(),
    "--set",
    "description=https://a:planted-password-05@b/",
  ];
  // Answers every request as a captive portal does: the library's error then repeats the address that it failed on.
  const portal = createServer((_request, response) => response.end("<html>Please log in</html>"));
  await new Promise<void>((listening) => portal.listen(0, "127.0.0.1", () => listening()));
  onTestFinished(() => void portal.close());
  const { port } = portal.address() as AddressInfo;
  const HF_ENDPOINT = `http://me:${HUB_PASSWORD}@127.0.0.1:${port}`;
  const env = { ...PLANTED, HF_ENDPOINT, HF_HOME: join(folder, "hf"), HF_HUB_OFFLINE: "0" };
  const { stdout, stderr, exitCode } = await falconExp(args, { cwd: folder, env });
  expect(exitCode, stderr).toBe(5);
  const results = join(folder, "results");
  const files = readdirSync(results, { recursive: true, encoding: "utf8" })
    .map((name) => join(results, name))
    .filter((path) => statSync(path).isFile());
  const contents = new Map(files.map((path) => [path, readFileSync(path, "latin1")]));
  const records = files.find((path) => path.endsWith("records.jsonl")) ?? "";
  // The address is there, so that the failure can be understood; the credentials that were in it are not.
  expect(contents.get(records)).toContain(`[credentials]@127.0.0.1:${port}`);
  expect(contents.get(records)).toContain("hub-unreachable");
  contents.set("stdout", stdout);
  contents.set("stderr", stderr);
  for (const [path, content] of contents) {
    for (const secret of SECRETS) expect(content.includes(secret), `${secret} in ${path}`).toBe(false);
  }
  expect(files.length).toBeGreaterThan(4);
});
