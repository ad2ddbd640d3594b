/**
 * `node scripts/lock-python.mjs`: writes python/requirements/*.lock anew from the *.in files, with uv (`pip install uv`).
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

const ofTorchBuild = /^(torch|triton|cuda-[a-z-]+|nvidia-(?!ml-py\b)[a-z0-9-]+)==/;
const worker = entries(compile("worker")).filter((entry) => !ofTorchBuild.test(entry));
writeFileSync(`${folder}worker.lock`, `${worker.map((entry) => entry.trimEnd()).join("\n")}\n`);
const nameOf = (entry) => /^[a-z0-9._-]+/i.exec(entry)?.[0];
// What worker.lock has for one platform only, the extra may need on all.
const inWorker = new Set(worker.filter((entry) => !/^[^\\]*sys_platform/.test(entry)).map(nameOf));
const extra = entries(compile("lm-eval", ["-c", "worker.lock"])).filter(
  (entry) => !ofTorchBuild.test(entry) && !inWorker.has(nameOf(entry)),
);
writeFileSync(`${folder}lm-eval.lock`, `${extra.map((entry) => entry.trimEnd()).join("\n")}\n`);
writeFileSync(`${folder}model.lock`, compile("model", ["--no-deps"]));
writeFileSync(`${folder}dev.lock`, compile("dev"));
const torch = /^torch==\S+/m.exec(readFileSync(`${folder}worker.in`, "utf8"))?.[0];
writeFileSync(
  `${folder}torch.lock`,
  `# The build of torch that pip picks for this machine: no hashes, because it differs by machine.\n${torch}\n`,
);
