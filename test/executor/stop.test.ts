import { EventEmitter } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { STOP_LIMIT_SEC, watchSignals } from "../../src/executor/signals.js";
import { StopSignal } from "../../src/executor/stop.js";

function watched() {
  const stop = new StopSignal();
  const heard: string[] = [];
  stop.listen(({ how }) => heard.push(how));
  const target = new EventEmitter();
  return { stop, heard, target, watch: watchSignals(stop, { target }) };
}

test("Ctrl-C once stops after this trial, twice stops now, and a third changes nothing", () => {
  const { stop, heard, target } = watched();
  target.emit("SIGINT", "SIGINT");
  expect(stop.state).toEqual({ how: "after-this-trial", reason: "stopped by Ctrl-C" });
  target.emit("SIGINT", "SIGINT");
  target.emit("SIGINT", "SIGINT");
  expect(stop.state?.how).toBe("now");
  expect(heard).toEqual(["after-this-trial", "now"]);
});

test.each(["SIGTERM", "SIGHUP"] as const)("%s stops now and is remembered for the exit code", (signal) => {
  const { stop, target, watch } = watched();
  target.emit(signal, signal);
  expect(stop.state).toEqual({ how: "now", reason: `stopped by ${signal}` });
  expect(watch.received()).toBe(signal);
});

test("a wish to stop now is not weakened by a later, milder one", () => {
  const stop = new StopSignal();
  stop.request("now", "first");
  stop.request("after-this-trial", "second");
  expect(stop.state).toEqual({ how: "now", reason: "first" });
});

test("after release the signals are left alone", () => {
  const { stop, target, watch } = watched();
  watch.release();
  target.emit("SIGINT", "SIGINT");
  expect(stop.state).toBeNull();
});

test.each([["SIGTERM"], ["SIGHUP"], ["SIGINT", "SIGINT"]])(
  "a process that is still there 9 s after %s says so once, released or not",
  (...signals) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const target = new EventEmitter();
    const onOverdue = vi.fn();
    const watch = watchSignals(new StopSignal(), { target, onOverdue });
    for (const signal of signals) target.emit(signal, signal);
    watch.release();
    vi.advanceTimersByTime(STOP_LIMIT_SEC * 1000 - 1);
    expect(onOverdue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(onOverdue).toHaveBeenCalledOnce();
  },
);

test("one Ctrl-C sets no limit: the trial under way may take its time", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const target = new EventEmitter();
  const onOverdue = vi.fn();
  watchSignals(new StopSignal(), { target, onOverdue });
  target.emit("SIGINT", "SIGINT");
  vi.advanceTimersByTime(3_600_000);
  expect(onOverdue).not.toHaveBeenCalled();
});
