/**
 * `node scripts/lock-python.mjs [name…]`: writes python/requirements/*.lock anew from the *.in files, with uv
 * (`pip install uv`). With names (worker, lm-eval, mlflow, peft, torchao, quanto, compressed-tensors, model, dev), it
 * writes only those.
 *
 * worker.lock leaves out torch and what only its CUDA builds need: pip takes the build that fits the machine, with its
 * own dependencies, before worker.lock is installed (torch.lock).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../python/requirements/", import.meta.url));
const uv = process.env.UV ?? "uv";
const common = ["pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate"];

function compile(name, extra = []) {
  const args = [
    ...common,
    "--python-version",
    "3.10",
    "--quiet",
    `${name}.in`,
    "--no-emit-index-url",
    ...extra,
  ];
  return execFileSync(uv, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** A lock's entries, each with its hashes: `name==version … --hash=…`. */
function entries(lock) {
  return lock.split(/\n(?=\S)/).filter((entry) => /^[a-z0-9]/i.test(entry));
}

const read = (name) => entries(readFileSync(`${folder}${name}.lock`, "utf8"));

function write(name, lock) {
  writeFileSync(`${folder}${name}.lock`, `${lock.map((entry) => entry.trimEnd()).join("\n")}\n`);
}

const ofTorchBuild = /^(torch|triton|cuda-[a-z-]+|nvidia-(?!ml-py\b)[a-z0-9-]+)==/;
const readName = (entry) => entry.split(" \\")[0];

/** What `name` needs beyond `provided`: the same version on the same platforms is not installed twice. */
function beyond(provided, name) {
  const heads = new Set(provided.flatMap(read).map(readName));
  const constraints = provided.flatMap((lock) => ["-c", `${lock}.lock`]);
  return entries(compile(name, constraints)).filter(
    (entry) => !ofTorchBuild.test(entry) && !heads.has(readName(entry)),
  );
}

const make = {
  worker: () => {
    write(
      "worker",
      entries(compile("worker")).filter((entry) => !ofTorchBuild.test(entry)),
    );
    const torch = /^torch==\S+/m.exec(readFileSync(`${folder}worker.in`, "utf8"))?.[0];
    writeFileSync(
      `${folder}torch.lock`,
      `# The build of torch that pip picks for this machine: no hashes, because it differs by machine.\n${torch}\n`,
    );
  },
  "lm-eval": () => write("lm-eval", beyond(["worker"], "lm-eval")),
  mlflow: () => write("mlflow", beyond(["worker"], "mlflow")),
  peft: () => write("peft", beyond(["worker"], "peft")),
  // The libraries of quantization methods (src/quantization/extras.ts).
  torchao: () => write("torchao", beyond(["worker"], "torchao")),
  quanto: () => write("quanto", beyond(["worker"], "quanto")),
  "compressed-tensors": () => write("compressed-tensors", beyond(["worker"], "compressed-tensors")),
  model: () => writeFileSync(`${folder}model.lock`, compile("model", ["--no-deps"])),
  // The tests' environment sees the libraries of the worker's environment, with its extras.
  dev: () => write("dev", beyond(["worker", "lm-eval", "mlflow", "peft"], "dev")),
};

const names = process.argv.slice(2);
for (const name of Object.keys(make)) if (names.length === 0 || names.includes(name)) make[name]();
