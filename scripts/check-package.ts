/** Checks that `npm pack` would ship everything that an installed falcon-exp needs, and nothing that only developers need. */
import { join } from "node:path";
import { execa } from "execa";

const NEEDED = [
  "bin/falcon-exp.js",
  "dist/cli.js",
  "dist/licenses.txt",
  "dist/png-thread.js",
  "dist/svg-thread.js",
  "dist/web/report.js",
  "dist/web/report.css",
  "dist/web/licenses.txt",
  "dist/web/serve.js",
  "dist/web/serve.css",
  "experiments/quant.yaml",
  "experiments/falcon-tiny.yaml",
  "experiments/falcon-40b.yaml",
  "experiments/experiment.schema.json",
  "python/falcon_exp/worker/__main__.py",
  "python/falcon_exp/results/__init__.py",
  "python/falcon_exp/results/records.schema.json",
  "python/falcon_exp/results/metrics.json",
  "python/falcon_exp/schema/worker-messages.schema.json",
  "python/falcon_exp/schema/controller-messages.schema.json",
  "python/requirements/torch.lock",
  "python/requirements/worker.lock",
  "python/requirements/model.lock",
  "python/requirements/lm-eval.lock",
  "python/requirements/mlflow.lock",
  "python/requirements/peft.lock",
  "python/requirements/torchao.lock",
  "python/requirements/quanto.lock",
  "python/requirements/compressed-tensors.lock",
  "schema/records.schema.json",
  "experiments/quality.yaml",
  "experiments/tasks/everyday.yaml",
  "experiments/tasks/everyday.jsonl",
  "experiments/tasks/everyday.py",
  "texts/english.txt",
  "texts/code.txt",
];
const UNWANTED = /^(src|web|test|bench|scripts|results|\.ci)\/|__pycache__|\.pyc$|^python\/tests\//;

const root = join(import.meta.dirname, "..");
const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
const { stdout } = await execa("npm", args, { cwd: root });
const [pack] = JSON.parse(stdout) as { files: { path: string }[] }[];
const paths = (pack?.files ?? []).map(({ path }) => path);
const problems = [
  ...NEEDED.filter((path) => !paths.includes(path)).map((path) => `missing from the package: ${path}`),
  ...paths.filter((path) => UNWANTED.test(path)).map((path) => `must not be in the package: ${path}`),
];
for (const problem of problems) console.error(problem);
console.log(`${paths.length} files`);
process.exitCode = problems.length === 0 ? 0 : 1;
