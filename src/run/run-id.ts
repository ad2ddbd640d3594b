import type { Clock } from "../base/clock.js";

/** `20261124T023746Z-a1b2`: sorts by time, and two runs started in the same second still differ. */
const RUN_ID = /^\d{8}T\d{6}Z-[0-9a-f]{4}$/;

/** Makes a run id. `randomHex` is four hexadecimal digits, passed in so that tests can control it. */
export function makeRunId(clock: Clock, randomHex: string): string {
  const stamp = clock
    .now()
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, "");
  const id = `${stamp}-${randomHex}`;
  if (!isRunId(id)) throw new TypeError(`makeRunId: ${JSON.stringify(id)} is not a run id`);
  return id;
}

/** Whether a folder name is a run id. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}
