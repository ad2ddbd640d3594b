import { lastLines, runPython } from "./python-command.js";
import { type Env, setupError } from "./types.js";

export interface PipInstall {
  readonly python: string;
  readonly args: readonly string[];
  readonly env: Env;
  /** What is being installed, for messages. */
  readonly what: string;
  readonly onDetail: (detail: string) => void;
}

/** Installs with pip, without questions. Throws `setup-install-failed` or `setup-disk-full` with pip's last lines. */
export async function pipInstall({ python, args, env, what, onDetail }: PipInstall): Promise<void> {
  const base = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
  const onLine = (line: string) => {
    const detail = describeLine(line);
    if (detail !== null) onDetail(detail);
  };
  const { failed, all } = await runPython(python, [...base, ...args], { env, onLine });
  if (!failed) return;
  const words = lastLines(all);
  const isFull = /No space left on device/i.test(words);
  throw setupError({
    code: isFull ? "setup-disk-full" : "setup-install-failed",
    message: `pip could not install ${what}:\n${words}`,
    next: isFull
      ? "Free some space, or move the cache with FALCON_EXP_HOME; then run the command again: it continues where it stopped."
      : "Check network and proxy (pip's own settings apply), then run the command again: it continues where it stopped.",
  });
}

/** `  Downloading torch-2.13.0-….whl (190.4 MB)` → `downloading torch-2.13.0 (190.4 MB)`. */
function describeLine(line: string): string | null {
  const found =
    /^\s*(Collecting|Downloading|Using cached|Installing collected packages:)\s*(\S*)(?:.*(\(.*\)))?/.exec(
      line,
    );
  if (found === null) return null;
  const [, verb = "", subject = "", size] = found;
  if (verb.startsWith("Installing")) return "unpacking";
  const name = /^([A-Za-z0-9_.]+-[0-9][A-Za-z0-9.+]*)/.exec(subject)?.[1] ?? subject;
  return [verb.toLowerCase(), name, size].filter((part) => part !== undefined && part !== "").join(" ");
}
