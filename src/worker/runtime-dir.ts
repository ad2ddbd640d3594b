import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { ownProcessName } from "../base/process-name.js";

/** A Unix socket path holds 108 bytes on Linux and 104 on macOS, the final NUL included. */
const MAX_SOCKET_PATH_BYTES = 103;
/**
 * The forkserver's socket, made by Python's multiprocessing; the names of the worker's own, `work` and `control`, are shorter.
 */
const LONGEST_SOCKET_NAME = "/pymp-XXXXXXXX/listener-XXXXXXXX";

/** Names the controller that made the folder, so that another one can tell whether it was left behind. */
export const OWNER_FILE = "owner.json";

export interface RuntimeDir {
  readonly path: string;
  readonly workEndpoint: string;
  readonly controlEndpoint: string;
  remove(): Promise<void>;
}

/**
 * Makes a folder for the ipc sockets of one worker, with an unguessable name, which only this user may enter. It is in /tmp if
 * TMPDIR is too long for a socket's path. Throws FalconError `runtime-dir-failed`.
 */
export async function makeRuntimeDir(temporary: string = tmpdir()): Promise<RuntimeDir> {
  // The worker starts in another folder, where a relative TMPDIR would mean a different one.
  const preferred = resolve(temporary);
  const fits = (base: string) =>
    Buffer.byteLength(join(base, "falcon-exp-XXXXXX")) + LONGEST_SOCKET_NAME.length <= MAX_SOCKET_PATH_BYTES;
  const base = fits(preferred) ? preferred : "/tmp";
  let path = "";
  try {
    path = await mkdtemp(join(base, "falcon-exp-"));
    await chmod(path, 0o700);
    await writeFile(join(path, OWNER_FILE), `${JSON.stringify(await ownProcessName())}\n`);
  } catch (cause) {
    if (path !== "") await rm(path, { recursive: true, force: true });
    throw new FalconError({
      code: "runtime-dir-failed",
      message: `cannot make a folder for the worker's sockets in ${base}: ${(cause as Error).message}`,
      next: "Free space there, or point TMPDIR at a folder that can be written.",
      exitCode: ExitCode.setupFailed,
      cause,
    });
  }
  return {
    path,
    workEndpoint: `ipc://${join(path, "work")}`,
    controlEndpoint: `ipc://${join(path, "control")}`,
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
