/**
 * What counts as a regression: `decode_tokens_per_sec<-5%`, `peak_memory_bytes>1.2GB`, `ttft_sec>150ms`.
 *
 *   condition = metric ("<" | ">") limit
 *   limit     = sign digits "%"      relative to the level before
 *             | digits [unit]        for the value itself
 */

import { didYouMean } from "../../base/did-you-mean.js";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { LIMIT_UNITS } from "../../metrics/units.js";
import { HISTORY_METRICS, type HistoryMetric } from "./metrics.js";

export interface FailCondition {
  /** As it was written. */
  readonly text: string;
  readonly metric: HistoryMetric;
  readonly operator: "<" | ">";
  readonly limit:
    | { readonly kind: "change" /** Newest ÷ level: 0.95 for −5 %. */; readonly ratio: number }
    | { readonly kind: "value"; readonly value: number };
}

const EXAMPLE = "Write it as decode_tokens_per_sec<-5% or peak_memory_bytes>1.2GB.";

/** Parses one condition. Throws FalconError `fail-on-invalid` with the position of the mistake. */
export function parseFailCondition(text: string): FailCondition {
  const name = /^\s*([A-Za-z0-9_-]*)/.exec(text);
  const written = name?.[1] ?? "";
  const nameAt = (name?.[0].length ?? 0) - written.length;
  const metric = HISTORY_METRICS.find(({ key }) => key === written);
  if (metric === undefined) throw unknownMetric(text, written, nameAt);

  const operatorAt = skipSpace(text, nameAt + written.length);
  const operator = text[operatorAt];
  if (operator !== "<" && operator !== ">") {
    throw invalid(text, operatorAt, 1, `Expected < or > after ${written}.`, EXAMPLE);
  }
  const limitAt = skipSpace(text, operatorAt + 1);
  const rest = text.slice(limitAt).trimEnd();
  const match = /^([+\-−]?)(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(\S*)$/i.exec(rest);
  if (match === null) {
    throw invalid(text, limitAt, rest.length, `After ${operator} comes a number with its unit.`, EXAMPLE);
  }
  const [, sign = "", digits = "", unit = ""] = match;
  const number = Number(digits);
  const unitAt = limitAt + rest.length - unit.length;
  const known = { text: text.trim(), metric, operator } as const;
  if (unit === "%") return { ...known, limit: changeLimit(text, sign, number, limitAt, rest.length) };
  if (sign !== "") {
    const message =
      "A sign is only allowed with a percentage, which is a change relative to the level before.";
    throw invalid(text, limitAt, rest.length, message, EXAMPLE);
  }
  const factor = unitFactor(metric, unit);
  if (factor === null) {
    const units = Object.keys(LIMIT_UNITS[metric.unit]).filter((one) => one !== "");
    const message = `${JSON.stringify(unit)} is not a unit of ${metric.key}.`;
    const next =
      units.length === 0 ? "Write the bare number, or a change as -5%." : `Its units: ${units.join(", ")}.`;
    throw invalid(text, unitAt, unit.length, message, next);
  }
  return { ...known, limit: { kind: "value", value: finite(text, number * factor, limitAt, rest.length) } };
}

function changeLimit(text: string, sign: string, percent: number, at: number, length: number) {
  if (sign === "" && percent !== 0) {
    const message = "A percentage needs its sign: less (-5%) or more (+5%) than the level before.";
    throw invalid(text, at, length, message, EXAMPLE);
  }
  const ratio = 1 + (sign === "+" ? percent : -percent) / 100;
  if (ratio <= 0) throw invalid(text, at, length, "Nothing can fall by 100 % or more.", EXAMPLE);
  return { kind: "change", ratio: finite(text, ratio, at, length) } as const;
}

function finite(text: string, value: number, at: number, length: number): number {
  if (Number.isFinite(value)) return value;
  throw invalid(text, at, length, "The number is too large.", EXAMPLE);
}

function unitFactor(metric: HistoryMetric, unit: string): number | null {
  const units: Readonly<Record<string, number>> = LIMIT_UNITS[metric.unit];
  const name = Object.keys(units).find((one) => one.toLowerCase() === unit.toLowerCase());
  return name === undefined ? null : (units[name] ?? null);
}

function skipSpace(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}

function unknownMetric(text: string, written: string, at: number): FalconError {
  const keys = HISTORY_METRICS.map(({ key }) => key);
  const near = didYouMean(written, keys);
  const message = written === "" ? "A metric's name comes first." : `There is no metric ${written}.`;
  const next = near === null ? `Metrics: ${keys.join(", ")}.` : `Did you mean ${near}?`;
  return invalid(text, at, written.length, message, next);
}

function invalid(text: string, at: number, length: number, message: string, next: string): FalconError {
  return new FalconError({
    code: "fail-on-invalid",
    message,
    next,
    place: { source: "--fail-on", line: null, column: at + 1, text, length: Math.max(1, length) },
    exitCode: ExitCode.usage,
  });
}
