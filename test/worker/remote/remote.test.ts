import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { curveKeyPair } from "zeromq";
import { systemClock } from "../../../src/base/clock.js";
import { type Log, silentLog } from "../../../src/base/log.js";
import { openHost } from "../../../src/worker/remote/host.js";
import { ownKeys, readPublicKey, writePublicKey } from "../../../src/worker/remote/key-files.js";
import { describeRemote, launchRemote } from "../../../src/worker/remote/remote-worker.js";
import { parseHead, ReliableStream } from "../../../src/worker/remote/stream.js";
import { minimal, planExperiment } from "../../fixtures/experiments.js";
import { openNetwork, openProxy } from "../../fixtures/network.js";
import { testPython } from "../../fixtures/python.js";
import { scratchFolder } from "../../fixtures/run-folder.js";
import { runPlanWith } from "../../fixtures/run-plan.js";
import { scriptedPython, TINY_EXPERIMENT } from "../../fixtures/started-run.js";

const bin = fileURLToPath(new URL("../../../bin/falcon-exp.js", import.meta.url));
const scripted = fileURLToPath(new URL("../../fixtures/workers/scripted.py", import.meta.url));
const VERSIONS = { version: "1", workerCodeSha256: "0".repeat(64) };

/** A worker that listens on this machine, and the keys of a controller that may talk to it. */
async function hosted(behaviour: string) {
  const [own, allowed] = [curveKeyPair(), curveKeyPair()];
  const scratch = scratchFolder();
  const host = await openHost({
    ...VERSIONS,
    listen: "tcp://127.0.0.1:*",
    keys: own,
    allowed: allowed.publicKey,
    pythonPath: testPython(),
    env: {},
    program: [scripted, "--behaviour", behaviour, "--marker", join(scratch, "marker")],
    hostname: "far",
    platform: "test",
    builtinModelPath: null,
    folder: join(scratch, "kept"),
    log: silentLog,
    clock: systemClock,
  });
  onTestFinished(() => host.close());
  const port = Number(host.address.split(":").at(-1));
  const remote = { address: host.address, serverKey: own.publicKey, keys: allowed };
  return { port, remote, kept: join(scratch, "kept"), logprobsFolder: join(scratch, "kept/r") };
}

test("whatever a network loses, repeats and delays, everything arrives once and in order at both ends", () => {
  // Each number is the fate of a message in transit: lost, delivered, delivered twice, or delivered twice and queued again.
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 400 }), fc.nat(30), (fates, count) => {
      const heard: Record<"a" | "b", unknown[]> = { a: [], b: [] };
      const underWay: { to: "a" | "b"; frames: (string | Uint8Array)[] }[] = [];
      const make = (own: "a" | "b", other: "a" | "b") =>
        new ReliableStream({
          session: "s",
          transmit: (frames) => void underWay.push({ to: other, frames }),
          onItem: (item, payload) => void heard[own].push([item, payload === null ? null : String(payload)]),
        });
      const ends = { a: make("a", "b"), b: make("b", "a") };
      const deliver = (fate: number) => {
        const one = underWay.shift();
        if (one === undefined || fate === 0) return;
        const head = parseHead(Buffer.from(String(one.frames[0])));
        const payload = one.frames[1] === undefined ? null : Buffer.from(one.frames[1]);
        if (head !== null)
          for (let time = 0; time < Math.min(2, fate); time++) ends[one.to].hear(head, payload);
        if (fate === 3) underWay.push(one);
      };
      const said: [number, string | null][] = [];
      for (let index = 0; index < count; index++) {
        said.push([index, index % 2 === 0 ? null : `payload ${index}`]);
        const payload = index % 2 === 0 ? null : Buffer.from(`payload ${index}`);
        for (const end of Object.values(ends)) end.say(index, payload);
      }
      for (const fate of fates) deliver(fate);
      // Then the network works again.
      for (let second = 0; second < 200; second += 3) {
        for (const end of Object.values(ends)) end.tick(second);
        while (underWay.length > 0) deliver(1);
      }
      expect(heard).toEqual({ a: said, b: said });
      expect(ends.a.isAllHeard && ends.b.isAllHeard).toBe(true);
    }),
  );
});

test("a run over connections that end again and again measures every trial once", async () => {
  const { port, remote, logprobsFolder } = await hosted("good");
  const proxy = await openProxy(() => port, { delayMs: 5, piecesEach: 60 });
  const far = { ...remote, address: `tcp://127.0.0.1:${proxy.port}` };
  const plan = await planExperiment(minimal("matrix: {quantization: [none, fp4]}", "repeats: 4"));
  const { status, records } = await runPlanWith(
    { pythonPath: "", env: {}, launch: (to) => launchRemote({ ...far, run: "r" }, to) },
    plan,
    () => {},
    { logprobsFolder },
  );
  expect(status).toBe("completed");
  const ids = records.flatMap((record) => (record.kind === "trial" ? [record.trial_id] : []));
  expect(ids.toSorted()).toEqual(plan.trials.map(({ id }) => id).toSorted());
});

test("a worker that dies there is a failure as it is here, with its last words, and the run goes on with a new one", async () => {
  const { remote, logprobsFolder } = await hosted("die-once");
  const plan = await planExperiment(minimal("retries: 1"));
  const { status, records } = await runPlanWith(
    { pythonPath: "", env: {}, launch: (to) => launchRemote({ ...remote, run: "r" }, to) },
    plan,
    () => {},
    { logprobsFolder },
  );
  expect(status).toBe("completed");
  const failed = records.filter((record) => record.kind === "configuration" && record.status === "failed");
  expect(failed).toHaveLength(1);
  expect(failed[0]).toMatchObject({ failure: { code: "worker-died" } });
});

/** Launches the remote worker without listening to what it says. */
function launchedThere(remote: Parameters<typeof launchRemote>[0]) {
  const handlers = { onMessage: () => {}, onProtocolError: () => {} };
  const logged: string[] = [];
  const log: Log = { ...silentLog, write: (_, event) => void logged.push(event) };
  return { ...launchRemote(remote, { log, clock: systemClock, handlers }), logged };
}

test("a signal that comes while the worker starts ends it, and the close after that is answered", async () => {
  const { remote } = await hosted("good");
  const { process, runtime, logged } = launchedThere({ ...remote, run: "r" });
  process.signalGroup("SIGKILL");
  expect(await process.exited).toEqual({ exitCode: null, signal: "SIGKILL" });
  await runtime.remove();
  expect(logged).not.toContain("remote-worker-close-unanswered");
});

test("of two runs that come at the same time one measures", async () => {
  const { remote } = await hosted("good");
  const both = ["a", "b"].map((run) => launchedThere({ ...remote, run }).process);
  await Promise.race(both.map(({ exited }) => exited));
  const refusal = "the remote worker refused: another run is measuring there";
  await vi.waitFor(() => expect(both.flatMap((one) => one.stderrTail())).toContain(refusal));
  const measuring = both.filter((one) => !one.stderrTail().includes(refusal));
  expect(measuring).toHaveLength(1);
  measuring[0]?.signalGroup("SIGKILL");
  expect(await measuring[0]?.exited).toMatchObject({ signal: "SIGKILL" });
});

test("log-probabilities lie on the other machine: nothing of their folder's name is touched here, and the next run's worker removes them", async () => {
  const { remote, kept } = await hosted("good");
  for (const run of ["r", "earlier"]) {
    mkdirSync(join(kept, run), { recursive: true });
    writeFileSync(join(kept, run, "mine"), "");
  }
  const plan = await planExperiment(minimal());
  const { status } = await runPlanWith(
    { pythonPath: "", env: {}, launch: (to) => launchRemote({ ...remote, run: "r" }, to) },
    plan,
    () => {},
    { logprobsFolder: join(kept, "r") },
  );
  expect(status).toBe("completed");
  expect(existsSync(join(kept, "r/mine"))).toBe(true);
  expect(readdirSync(kept)).toEqual(["r"]);
});

test("another version at the other end is refused before anything is measured", async () => {
  const { remote } = await hosted("good");
  await expect(describeRemote(remote, VERSIONS, systemClock)).resolves.toMatchObject({ hostname: "far" });
  const other = { ...VERSIONS, workerCodeSha256: "1".repeat(64) };
  await expect(describeRemote(remote, other, systemClock)).rejects.toMatchObject({
    code: "remote-worker-refused",
  });
});

test("a machine's keys are made once, and travel as hexadecimal digits", async () => {
  const home = scratchFolder();
  const [first, second] = await Promise.all([ownKeys(home), ownKeys(home)]);
  expect(await ownKeys(home)).toEqual(first);
  expect(second).toEqual(first);
  expect(readdirSync(join(home, "keys"))).toEqual(["own.json"]);
  expect(writePublicKey(first)).toMatch(/^[0-9a-f]{64}$/);
  expect(readPublicKey(writePublicKey(first))).toBe(first.publicKey);
  expect(() => readPublicKey("secret")).toThrow("is not a public key");
});

test("nobody ever sees half of a machine's keys while they are made", async () => {
  const seen = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const home = scratchFolder();
    let isMade = false;
    const made = ownKeys(home).finally(() => {
      isMade = true;
    });
    while (!isMade) {
      await setImmediate();
      const file = join(home, "keys/own.json");
      if (existsSync(file)) seen.add(readFileSync(file, "utf8"));
    }
    seen.add(
      `${JSON.stringify({ public_key: (await made).publicKey, secret_key: (await made).secretKey })}\n`,
    );
  }
  expect(seen.size).toBe(40);
});

test("a run on another machine survives a cut in mid-trial, and no record is lost", async () => {
  const network = await openNetwork();
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "tiny.yaml"), `${TINY_EXPERIMENT}repeats: 5\nrounds: 1\n`);
  const [near, far] = [scratchFolder(), scratchFolder()];
  const command = (end: "controller" | "worker", ...args: readonly string[]) => {
    const [file, all] = network.at(end, [process.execPath, bin, ...args]);
    const env = { FALCON_EXP_HOME: end === "controller" ? near : far };
    return execa(file, all, { cwd, env, reject: false });
  };
  const [nearKey, farKey] = [
    (await command("controller", "keys")).stdout,
    (await command("worker", "keys")).stdout,
  ];
  const python = ["--python", scriptedPython("paced")];
  const worker = command(
    ...(["worker", "worker", "--listen", network.listen, "--allow", nearKey, "--no-model"] as const),
    ...python,
  );
  onTestFinished(async () => {
    worker.kill("SIGTERM");
    await worker;
  });
  let said = "";
  worker.stderr?.on("data", (data: Buffer) => {
    said += String(data);
  });
  const wait = { timeout: 50_000, interval: 50 };
  await vi.waitFor(() => expect(said).toContain("Listening at"), wait);
  const run = command(
    ...(["controller", "run", "tiny.yaml", "--worker", network.reach, "--worker-key", farKey] as const),
  );
  const folder = await vi.waitFor(() => {
    const [id = ""] = readdirSync(join(cwd, "results/tiny"));
    const found = join(cwd, "results/tiny", id);
    expect(readFileSync(join(found, "records.jsonl"), "utf8")).toContain('"kind":"trial"');
    return found;
  }, wait);
  const log = () => readFileSync(join(folder, "log.jsonl"), "utf8");
  network.cut();
  await vi.waitFor(() => expect(log()).toContain("remote-worker-cut"), wait);
  network.heal();
  const { exitCode, stderr } = await run;
  expect(exitCode, `${stderr}\n${said}`).toBe(0);
  expect(log()).toContain("remote-worker-back");
  const summary = JSON.parse(readFileSync(join(folder, "summary.json"), "utf8"));
  expect(summary).toMatchObject({ status: "completed", trials_completed: 20, trials_planned: 20 });
  const ids = Array.from(
    readFileSync(join(folder, "records.jsonl"), "utf8").matchAll(/"trial_id":"([^"]+)"/g),
    ([, id]) => id,
  );
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toHaveLength(20);
  expect(existsSync(join(folder, "logprobs"))).toBe(false);
});
