/** Where the two sides of the comparison come from: the plain loop, falcon-exp, or falcon-exp with something switched off. */
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PlanConfiguration, Timeouts } from "../../src/plan/plan-types.js";
import type { Side } from "./pairs.js";
import { PlainSide } from "./plain-side.js";
import { ProductSide } from "./product-side.js";

const variantWorker = fileURLToPath(new URL("../variant_worker.py", import.meta.url));

/** A side whose model is loaded. */
export interface LoadedSide extends Side {
  readonly threads: number;
  /** All processes that belong to it. */
  readonly pids: readonly number[];
  /** Ends the process that holds the model. */
  end(): Promise<void>;
}

export interface SideSource {
  load(configuration: PlanConfiguration): Promise<LoadedSide>;
  rest(): void;
  wake(): void;
  close(): Promise<void>;
}

export interface SideSetup {
  readonly python: string;
  readonly modelPath: string;
  /** Environment variables of the product's worker. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
}

/** What can be switched off in the product, and what that leaves out (bench/variant_worker.py does it). */
export const SWITCHES: Readonly<Record<string, string>> = {
  progress: "no progress message while tokens come",
  clock: "generate is not watched: no time of each token, and no progress either",
  collect: "no garbage collection before a trial",
  freeze: "what a load made is not set aside from garbage collection",
  peak: "the peak of the resident memory is not reset and not read",
  meters: "neither energy counters nor the cards' state are read",
  warnings: "bitsandbytes does not log at all, as in the plain loop, instead of being counted",
  heartbeat: "the supervisor sends no heartbeat",
  fork: "the trial process is a new interpreter instead of a fork",
  all: "all of these but the fork",
};

/** Opens `plain`, `product`, or `without:progress,collect`. Throws RangeError on anything else. */
export async function openSource(spec: string, setup: SideSetup): Promise<SideSource> {
  if (spec === "plain") return new PlainSource(setup);
  const { python, env, timeouts } = setup;
  const [kind, names = ""] = spec.split(":");
  const off = spec === "product" ? [] : names.split(",");
  if ((spec !== "product" && kind !== "without") || off.some((name) => !(name in SWITCHES))) {
    const known = Object.keys(SWITCHES).join(", ");
    throw new RangeError(`${spec} is none of plain, product, without:SWITCH,… with the switches ${known}`);
  }
  return new ProductSource(await openProduct(spec, names, { python, env, timeouts }));
}

/** Opens falcon-exp, with `without` (names of `SWITCHES`, separated by commas) switched off. */
export function openProduct(
  name: string,
  without: string,
  { python, env, timeouts }: Omit<SideSetup, "modelPath">,
): Promise<ProductSide> {
  const program = [variantWorker, "--without", without];
  const clockFile = join(tmpdir(), `falcon-exp-bench-${randomUUID()}.json`);
  // Without this, the forkserver of Python 3.11 does not find the variant worker and says nothing, and every trial process
  // imports all libraries anew.
  const found = { ...env, PYTHONPATH: [env.PYTHONPATH, dirname(variantWorker)].join(delimiter) };
  return ProductSide.open({ name, python, env: found, timeouts, program, clockFile });
}

class PlainSource implements SideSource {
  constructor(private readonly setup: SideSetup) {}

  async load({ axes, generation }: PlanConfiguration): Promise<LoadedSide> {
    const { python, modelPath } = this.setup;
    const quantization = axes.quantization ?? "none";
    const newTokens = generation.max_new_tokens;
    if (newTokens === null) throw new RangeError("the plain loop counts new tokens");
    const side = await PlainSide.open({ python, modelPath, quantization, newTokens });
    await side.load();
    return side;
  }

  /** Without a loaded model there is no process. */
  rest(): void {}
  wake(): void {}
  async close(): Promise<void> {}
}

class ProductSource implements SideSource {
  constructor(private readonly side: ProductSide) {}

  async load(configuration: PlanConfiguration): Promise<LoadedSide> {
    await this.side.load(configuration);
    return this.side;
  }

  rest(): void {
    this.side.rest();
  }

  wake(): void {
    this.side.wake();
  }

  close(): Promise<void> {
    return this.side.close();
  }
}
