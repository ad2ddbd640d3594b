/** `--set key=value`: changes the values of a file before they are checked, and remembers where each value came from. */
import { isMap, isSeq } from "yaml";
import { FalconError, FalconErrorList } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { type Origin, parseYamlValue, type YamlSource } from "./yaml-source.js";

const KEY = /^[A-Za-z_][\w-]*(?:\.(?:[A-Za-z_][\w-]*|\d+))*$/;

/** Applies the overrides in order. Throws FalconErrorList with every one that is not `key=value` or has no place in the file. */
export function applyOverrides(yaml: YamlSource, overrides: readonly string[]): void {
  const errors = overrides.flatMap((override) => applyOne(yaml, override) ?? []);
  if (errors.length > 0) throw new FalconErrorList(errors);
}

function applyOne(yaml: YamlSource, override: string): FalconError | null {
  const equals = override.indexOf("=");
  const key = override.slice(0, Math.max(0, equals)).trim();
  if (equals === -1 || !KEY.test(key)) {
    const next = "Write --set key=value, such as --set generation.max_new_tokens=8.";
    return overrideError(override, `${JSON.stringify(override)} is not key=value.`, next);
  }
  const origin: Origin = { source: "--set", text: override, shift: equals + 1, lines: null };
  const { node, error } = parseYamlValue(origin);
  if (error !== null) return error;
  if (node === null) return overrideError(override, `${key} has no value.`, `Write --set ${key}=value.`);
  const path = key.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const parent = deepestExisting(yaml, path);
  if (parent !== null) {
    const message = `${parent} is not a mapping in the file, so ${key} cannot be set.`;
    return overrideError(override, message, `Set ${parent} as a whole: --set '${parent}={…}'.`);
  }
  yaml.adopt(node, origin);
  yaml.document.setIn(path, node);
  return null;
}

/** The first part of the path that exists but cannot hold the next key. Null if the whole path can be set. */
function deepestExisting(yaml: YamlSource, path: readonly (string | number)[]): string | null {
  for (let depth = 1; depth < path.length; depth++) {
    const node = yaml.document.getIn(path.slice(0, depth), true);
    if (node === undefined || node === null) return null;
    if (!isMap(node) && !isSeq(node)) return path.slice(0, depth).join(".");
    if (isSeq(node) && typeof path[depth] !== "number") return path.slice(0, depth).join(".");
  }
  return null;
}

function overrideError(override: string, message: string, next: string): FalconError {
  return new FalconError({
    code: "override-invalid",
    message,
    next,
    place: { source: "--set", line: null, column: 1, text: override, length: Math.max(1, override.length) },
    exitCode: ExitCode.invalidExperiment,
  });
}
