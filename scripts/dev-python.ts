import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

export interface DevPython {
  /** Has the worker's libraries, and the tools that check and test the worker. */
  readonly interpreter: string;
  readonly builtinModel: string;
  readonly home: string;
}

/**
 * Prepares the tests' own Python: the tools from dev.lock, MLflow's client and peft, in a virtual environment that also sees
 * the libraries of the one that `falcon-exp setup` makes, so that what is tested is what users get.
 */
export async function prepareDevPython(root: string): Promise<DevPython> {
  const cli = join(root, "bin", "falcon-exp.js");
  const { stdout } = await execa(process.execPath, [cli, "setup", "--lm-eval", "--quantizers", "--json"], {
    stderr: "inherit",
  });
  const setup = JSON.parse(stdout) as { python: string; builtin_model: string; home: string };
  const locks = ["mlflow.lock", "peft.lock", "dev.lock"].map((name) =>
    join(root, "python", "requirements", name),
  );
  const hash = createHash("sha256").update(setup.python);
  for (const lock of locks) hash.update(readFileSync(lock));
  const stamp = hash.digest("hex");
  const folder = join(root, ".cache", "dev-python");
  const stampFile = join(folder, "stamp");
  const interpreter = join(folder, "bin", "python");
  if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await execa(setup.python, ["-m", "venv", folder], { stdio: "inherit" });
    const args = ["-m", "pip", "install", "--no-input", "--quiet", "--disable-pip-version-check"];
    await execa(
      interpreter,
      [...args, "--require-hashes", "--no-deps", ...locks.flatMap((lock) => ["-r", lock])],
      { stdio: "inherit" },
    );
    const [libraries, own] = await Promise.all([setup.python, interpreter].map(sitePackages));
    writeFileSync(join(own ?? "", "falcon_exp_libraries.pth"), `${libraries}\n`);
    writeFileSync(stampFile, stamp);
  }
  return { interpreter, builtinModel: setup.builtin_model, home: setup.home };
}

async function sitePackages(python: string): Promise<string> {
  const code = "import sysconfig; print(sysconfig.get_path('purelib'))";
  return (await execa(python, ["-I", "-c", code])).stdout.trim();
}
