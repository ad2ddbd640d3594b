import { expect, test } from "vitest";
import { computeLimitRows } from "../../../bench/gpu/limits.js";
import { formatLimitRows } from "../../../bench/gpu/table.js";
import type { RunFileRecord } from "../../../src/run/record-types.js";
import type { RunSummary } from "../../../src/run/summary-schema.js";

const card = { kind: "cuda", index: 1, name: "A card" };

/** The parts of a summary and of records from which the rows are computed. */
const summary = (changes: object) =>
  ({
    experiment: "falcon-40b-geometry",
    configurations: [
      {
        id: "c1",
        label: "fp4",
        status: "completed",
        failure: null,
        offloaded: false,
        weights_bytes: 24e9,
        read_per_token_bytes: 20e9,
        memory_metric: "peak_memory_allocated_bytes",
        peak_memory_bytes: { median: 25e9 },
        ttft_sec: { median: 0.2 },
        decode_tokens_per_sec: { median: 10 },
        ...changes,
      },
    ],
  }) as unknown as RunSummary;

const trial = (joules: number | null, id = "c1") => ({
  kind: "trial",
  status: "completed",
  configuration_id: id,
  measurement: { energy_joules: joules, output_tokens: 50 },
});

const records = (devices: readonly object[]) =>
  [
    {
      kind: "environment",
      environment: {
        memory_bandwidth: [
          { device: "cpu", read_bytes_per_sec: 1e10 },
          { device: "cuda:1", read_bytes_per_sec: 2e12 },
        ],
      },
    },
    { kind: "load", configuration_id: "c1", load: { devices } },
    trial(100),
    trial(null),
    trial(300),
    trial(9999, "c2"),
  ] as unknown as readonly RunFileRecord[];

test("the limit is the bandwidth of the model's card over what a token reads", () => {
  expect(computeLimitRows(summary({}), records([card]))).toEqual([
    {
      experiment: "falcon-40b-geometry",
      configuration: "fp4",
      status: "completed",
      failure_code: null,
      card: "A card",
      read_bytes_per_sec: 2e12,
      weights_bytes: 24e9,
      read_per_token_bytes: 20e9,
      peak_gpu_bytes: 25e9,
      ttft_sec: 0.2,
      decode_tokens_per_sec: 10,
      limit_tokens_per_sec: 100,
      limit_share: 0.1,
      joules_per_token: 4,
    },
  ]);
});

test.each([
  ["spread over two cards", {}, [card, { ...card, index: 0 }]],
  ["offloaded in part", { offloaded: true }, [card]],
  ["on the CPU", {}, []],
])("a model that is %s has no limit of one card", (_, changes, devices) => {
  const [row] = computeLimitRows(summary(changes), records(devices));
  expect(row).toMatchObject({ card: null, limit_tokens_per_sec: null, limit_share: null });
});

test("the host's memory is not shown as the GPU's", () => {
  const [row] = computeLimitRows(summary({ memory_metric: "peak_rss_bytes" }), records([]));
  expect(row?.peak_gpu_bytes).toBeNull();
});

test("the table has a column for the limit, and a failure's code in place of a rate", () => {
  const failed = {
    failure: { code: "out-of-memory-device" },
    decode_tokens_per_sec: null,
    ttft_sec: null,
    peak_memory_bytes: null,
  };
  const rows = [
    ...computeLimitRows(summary({}), records([card])),
    ...computeLimitRows(summary(failed), records([card])),
  ];
  const [, , measured = "", broken = ""] = formatLimitRows(rows)
    .split("\n")
    .map((line) => line.replaceAll(/ +/g, " "));
  expect(measured).toBe(
    "| falcon-40b-geometry | fp4 | 24.00 GB | 25.00 GB | 200 ms | 10.0 | 100.0 | 10.0 % | 4.00 |",
  );
  expect(broken).toContain("| – | out-of-memory-device | 100.0 | – |");
});
