import { describe, expect, test } from "vitest";
import {
  carryTraits,
  computeIdentity,
  describeChange,
  environmentChanges,
  findDifferences,
  findMachineDifferences,
} from "../../src/run/identity.js";
import { type AnyEnvironment, readTraits } from "../../src/run/traits.js";
import { environment, MACHINE, MACHINE_WITHOUT_BF16 } from "../fixtures/records.js";

const CONFIGURATION = { inputs_sha256: "ab".repeat(32) };
const identify = (machine: AnyEnvironment) => computeIdentity(CONFIGURATION, machine, null);
const cpu = (changes: Partial<AnyEnvironment> = {}) => ({ ...environment("cpu"), ...changes });
const card = (name: string, gib: number, index = 0) => ({
  ...(environment("cuda").gpus[0] as AnyEnvironment["gpus"][number]),
  index,
  name,
  memory_total_bytes: gib * 2 ** 30,
});
const on = (...gpus: AnyEnvironment["gpus"]) => ({ ...environment("cuda"), gpus });
const TWO_NODES = { nodes: 2, cpu_nodes: [0], memory_nodes: [0, 1], memory_policy: "default" };
const A100 = card("NVIDIA A100-SXM4-80GB", 80);
const T4 = card("Tesla T4", 15);

describe("what makes another machine", () => {
  test.each<[string, AnyEnvironment, AnyEnvironment, readonly string[]]>([
    [
      "an instruction set less, and the kernels that follow from it",
      cpu(),
      cpu({ machine: MACHINE_WITHOUT_BF16 }),
      [
        "CPU instruction sets: avx512_bf16 missing",
        "4-bit on the CPU fused AVX512-BF16 kernel → unpacked for each product",
      ],
    ],
    [
      "instruction sets on both sides that the other lacks",
      cpu({ machine: { ...MACHINE, cpu_instruction_sets: ["avx2", "avx512f"] } }),
      cpu({ machine: { ...MACHINE, cpu_instruction_sets: ["amx_bf16", "amx_int8", "avx2"] } }),
      ["CPU instruction sets: avx512f missing; amx_bf16, amx_int8 added"],
    ],
    [
      "fewer cores than the machine has",
      cpu({ machine: { ...MACHINE, usable_logical_cores: 16, usable_physical_cores: 8 } }),
      cpu(),
      ["usable cores 16 on 8 cores → 2 on 1 core"],
    ],
    [
      "a control group's limit",
      cpu(),
      cpu({ machine: { ...MACHINE, cpu_quota_cores: 1.5 } }),
      ["CPU quota none → 1.5 cores"],
    ],
    ["threads", cpu(), cpu({ torch_threads: 8 }), ["torch threads 2 → 8"]],
    [
      "memory of another node",
      cpu({ machine: { ...MACHINE, numa: { ...TWO_NODES, memory_nodes: [0] } } }),
      cpu({ machine: { ...MACHINE, numa: { ...TWO_NODES, memory_nodes: [1] } } }),
      ["NUMA nodes 1 of 2, memory from 1 → 1 of 2, memory from 1, not its own"],
    ],
    [
      "the other card of one machine (CUDA_VISIBLE_DEVICES=0 and =1)",
      on(A100),
      on(T4),
      ["GPUs NVIDIA A100-SXM4-80GB (80 GiB) → Tesla T4 (15 GiB)"],
    ],
    ["one card of two", on(T4, T4), on(T4), ["GPUs 2 × Tesla T4 (15 GiB) → Tesla T4 (15 GiB)"]],
    [
      "a card of the same name with less memory",
      on(card("NVIDIA A100", 80)),
      on(card("NVIDIA A100", 40)),
      ["GPUs NVIDIA A100 (80 GiB) → NVIDIA A100 (40 GiB)"],
    ],
    ["a slice of a card", on(A100), on({ ...A100, mig_profile: "3g.40gb" }), ["MIG profiles none → 3g.40gb"]],
    [
      "a simulated card of the same name",
      on(T4),
      on({ ...T4, is_simulated: true }),
      ["GPUs Tesla T4 (15 GiB) → Tesla T4 (simulated, 15 GiB)"],
    ],
    [
      "another bitsandbytes library",
      cpu(),
      cpu({
        machine: {
          ...MACHINE,
          bitsandbytes: {
            native_library: "libbitsandbytes_cuda126.so",
            cpu_4bit: "fused",
            cpu_int8: "int-mm",
          },
        },
      }),
      ["bitsandbytes library libbitsandbytes_cpu.so → libbitsandbytes_cuda126.so"],
    ],
  ])("%s", (_, before, now, changes) => {
    expect(environmentChanges(before, now)).toEqual({ known: changes, unrecorded: null });
    expect(identify(before)).not.toBe(identify(now));
    expect(
      findMachineDifferences(readTraits(before), readTraits(now)).map(({ what, values: [old, today] }) =>
        describeChange(what, old ?? null, today ?? null),
      ),
    ).toEqual(changes);
  });

  test("another driver is another identity, and no other machine", () => {
    const newer = { ...on(T4), gpu_driver_version: "580.1" };
    expect(environmentChanges(on(T4), newer).known).toEqual(["GPU driver 570.1 → 580.1"]);
    expect(identify(on(T4))).not.toBe(identify(newer));
    expect(findMachineDifferences(readTraits(on(T4)), readTraits(newer))).toEqual([]);
  });
});

describe("what makes no other machine", () => {
  test.each<[string, AnyEnvironment, AnyEnvironment]>([
    ["where its interpreter lies", cpu(), cpu({ python_executable: "/elsewhere/python" })],
    ["what it did meanwhile, and how fast its memory was read", cpu(), cpu({ memory_bandwidth: [] })],
    [
      "an equal card with another UUID in another slot",
      on(T4),
      on({ ...T4, uuid: "GPU-22222222-3333-4444-5555-666666666666", pci_bus_id: "00000000:5E:00.0" }),
    ],
    ["variables of one job", cpu(), cpu({ environment_variables: { SLURM_JOB_ID: "7" } })],
    ["a few MB that a driver keeps to itself", on(T4), on({ ...T4, memory_total_bytes: 15 * 2 ** 30 - 4e6 })],
    [
      "which of two equal memory nodes it runs on",
      cpu({ machine: { ...MACHINE, numa: { ...TWO_NODES, cpu_nodes: [0], memory_nodes: [0] } } }),
      cpu({ machine: { ...MACHINE, numa: { ...TWO_NODES, cpu_nodes: [1], memory_nodes: [1] } } }),
    ],
  ])("%s", (_, before, now) => {
    expect(environmentChanges(before, now)).toEqual({ known: [], unrecorded: null });
    expect(identify(before)).toBe(identify(now));
  });
});

test("what was not recorded is no difference by itself, and is said", () => {
  const old = cpu({ machine: null });
  const { known, unrecorded } = environmentChanges(old, cpu());
  expect(known).toEqual([]);
  expect(unrecorded).toMatch(/^CPU instruction sets, usable cores, CPU quota, .*: not recorded before$/);
  expect(environmentChanges(cpu(), old).unrecorded).toMatch(/: no longer recorded$/);
  expect(findMachineDifferences(readTraits(old), readTraits(cpu()))).toEqual([]);
});

test("a package that only one has is known to be missing on the other", () => {
  const more = cpu({ packages: { ...cpu().packages, kernels: "0.11.1" } });
  expect(environmentChanges(cpu(), more).known).toEqual(["kernels none → 0.11.1"]);
  const found = findDifferences([readTraits(more), readTraits(cpu()), null]);
  expect(found.find(({ what }) => what === "kernels")).toMatchObject({
    values: ["0.11.1", null, null],
    isKnown: true,
  });
});

test("a run that recorded less is filled in from the runs before it, on the same machine only", () => {
  const known = carryTraits([
    cpu(),
    cpu({ machine: null }),
    null,
    cpu({ machine: null, torch_threads: 64 }),
    cpu(),
  ]);
  const sets = known.map((traits) => traits?.get("CPU instruction sets")?.value);
  expect(sets).toEqual([sets[0], sets[0], undefined, undefined, sets[0]]);
  // The same object, because nothing changed: it need not be compared again.
  expect(known[1]).toBe(known[0]);
});

describe("what the model's files hold is part of the identity", () => {
  const files = { weights: "a", tokenizer: "t", chat_template: null, generation_settings: "g" };
  const identity = (changes: Partial<typeof files>) =>
    computeIdentity(CONFIGURATION, cpu(), { ...files, ...changes });
  test.each([{ weights: "b" }, { tokenizer: "u" }, { generation_settings: "h" }])("%o", (changes) => {
    expect(identity(changes)).not.toBe(identity({}));
    expect(identity({})).toBe(identity({ ...files }));
  });

  test("records of before they were taken keep theirs", () => {
    expect(identify(cpu())).not.toBe(identity({}));
  });
});
