import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { falconExp } from "./cli.js";

const bin = fileURLToPath(new URL("../../bin/falcon-exp.js", import.meta.url));

/** Starts the real program in `cwd` and reads the first line that it prints; it is always ended after the test. */
async function started(cwd: string, args: readonly string[]) {
  const server = execa(process.execPath, [bin, "serve", ...args], { cwd, reject: false });
  onTestFinished(() => void server.kill("SIGKILL"));
  const lines = createInterface({ input: server.stdout });
  const [line] = (await once(lines, "line")) as [string];
  return { server, line };
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "it says where it is, answers, and %s is its normal end",
  async (signal) => {
    const cwd = scratchFolder();
    addRun(join(cwd, "results"), "quant/20261124T020000Z-0001");
    const { server, line } = await started(cwd, []);
    const url = /^(http:\/\/127\.0\.0\.1:\d+\/) shows the runs in .*results; press Ctrl-C to stop\.$/.exec(
      line,
    )?.[1];
    const page = await fetch(url ?? "");
    expect(await page.text()).toContain("quant/20261124T020000Z-0001");
    server.kill(signal);
    const { exitCode, stderr } = await server;
    expect(stderr).toBe("");
    expect(exitCode).toBe(ExitCode.ok);
  },
);

test("the address can be had as JSON, for programs", async () => {
  const cwd = scratchFolder();
  mkdirSync(join(cwd, "elsewhere"));
  const { server, line } = await started(cwd, ["elsewhere", "--json"]);
  expect(JSON.parse(line)).toEqual({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
    results: join(cwd, "elsewhere"),
  });
  server.kill("SIGINT");
  expect((await server).exitCode).toBe(ExitCode.ok);
});

test("a port that is none is refused", async () => {
  const { exitCode, stderr } = await falconExp(["serve", "--port", "70000"]);
  expect(exitCode).toBe(ExitCode.usage);
  expect(stderr).toContain("0 to 65535");
});
