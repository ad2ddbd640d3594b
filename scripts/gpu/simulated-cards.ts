/** Two simulated cards for a machine without any, which `--simulated` makes known to the worker (docs/gpu.md). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes the file of cards into a folder. Returns the environment that makes a worker use them. */
export function writeSimulatedCards(folder: string): { FALCON_EXP_SIMULATED_ACCELERATOR: string } {
  const path = join(folder, "simulated-cards.json");
  const card = (name: string, uuid: string, joules: number) => ({
    name: `Simulated ${name}`,
    uuid,
    memory_total_bytes: 4e9,
    joules_per_reading: joules,
    energy_step_sec: 0,
  });
  const cards = [
    card("A", "GPU-aaaaaaaa-0000-0000-0000-000000000001", 300),
    card("B", "GPU-bbbbbbbb-0000-0000-0000-000000000002", 4900),
  ];
  writeFileSync(path, JSON.stringify({ cards }, null, 2));
  return { FALCON_EXP_SIMULATED_ACCELERATOR: path };
}
