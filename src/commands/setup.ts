import { ExitCode } from "../base/exit-codes.js";
import { packageRoot } from "../base/program.js";
import { ensureEnvironment } from "../python-env/ensure.js";
import { resolveHome } from "../python-env/home.js";
import { EXTRAS, type Extra } from "../python-env/state-file.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";
import { setupProgress } from "./setup-progress.js";

export interface SetupArgs {
  /** A lab's own interpreter; an empty FALCON_EXP_PYTHON counts as none. */
  readonly python?: string;
  /** Whether to prepare the embedded model too. */
  readonly model: boolean;
  /** Whether to install lm-evaluation-harness too. */
  readonly lmEval: boolean;
  /** Whether to install MLflow's client too. */
  readonly mlflow: boolean;
  /** Whether to install peft too. */
  readonly peft: boolean;
  /** Whether to install the libraries of all quantization methods too. */
  readonly quantizers: boolean;
  readonly json: boolean;
}

/** `falcon-exp setup`: makes what `run` would make, repairs what is damaged, and says where everything is. */
export async function run(io: CommandIo, args: SetupArgs): Promise<number> {
  const home = resolveHome(io.env, process.platform);
  const progress = setupProgress(io);
  const wanted: Readonly<Record<Extra, boolean>> = {
    "lm-eval": args.lmEval,
    mlflow: args.mlflow,
    peft: args.peft,
    torchao: args.quantizers,
    quanto: args.quantizers,
    "compressed-tensors": args.quantizers,
  };
  let ready: Awaited<ReturnType<typeof ensureEnvironment>>;
  try {
    ready = await ensureEnvironment({
      home,
      packageRoot: packageRoot(),
      python: args.python || null,
      needsBuiltinModel: args.model,
      extras: EXTRAS.filter((extra) => wanted[extra]),
      verify: true,
      env: io.env,
      onProgress: progress.onProgress,
    });
  } finally {
    progress.close();
  }
  const { python, pythonPath, builtinModelPath, managed } = ready;
  if (args.json) {
    printJson(io, { python, python_path: pythonPath, builtin_model: builtinModelPath, home, managed });
  } else {
    io.stdout.write(`Python environment: ${python}${managed ? "" : " (yours)"}\n`);
    if (builtinModelPath !== null) io.stdout.write(`Embedded model:     ${builtinModelPath}\n`);
  }
  return ExitCode.ok;
}
