/** A run in progress as server-sent events: what changed, as pieces of the page. */
import type { SSEStreamingApi } from "hono/streaming";
import { FalconError } from "../base/errors.js";
import type { ProcessName } from "../base/process-name.js";
import { followRecords } from "../run/follow-records.js";
import type { RunPaths } from "../run/paths.js";
import { isRunning } from "../run/run-lock.js";
import { RunProgress } from "../run/run-progress.js";
import type { Html } from "./pages/layout.js";
import { progressPart, recordLine } from "./pages/live.js";

/** The most lines that a page holds; the rest is in the report. */
export const MOST_LINES = 300;

/**
 * Sends `lines` first, which replaces the whole list, then `line` for each further line at its top. `progress` replaces the
 * values. `end` is the last event; `problem` says in words why no more follow. A browser that lost the connection connects
 * again and starts with `lines`.
 */
export async function sendEvents(
  stream: SSEStreamingApi,
  paths: RunPaths,
  self: ProcessName,
  signal: AbortSignal,
): Promise<void> {
  const progress = new RunProgress();
  const send = async (event: string, content: Html | string) =>
    stream.writeSSE({ event, data: oneLine(String(await content)) });
  let isFirst = true;
  const isWritten = () => isRunning(paths.folder, self);
  try {
    for await (const followed of followRecords(paths, { isWritten, signal })) {
      if (followed.type === "end") {
        await send("progress", progressPart(progress, followed.why));
        await send("end", followed.why);
        return;
      }
      for (const record of followed.records) progress.addRecord(record);
      const lines = followed.records.flatMap((record) => recordLine(record) ?? []);
      if (isFirst) {
        const newest = await Promise.all(lines.slice(-MOST_LINES).reverse());
        await send("lines", newest.join(""));
      } else for (const line of lines) await send("line", line);
      isFirst = false;
      await send("progress", progressPart(progress, null));
    }
  } catch (error) {
    if (!(error instanceof FalconError)) throw error;
    await send("problem", `${error.message} ${error.next ?? ""}`);
  }
}

/** In an event, each line of the data becomes a `data:` line of its own; markup needs no line breaks, so they are replaced. */
function oneLine(markup: string): string {
  return markup.replaceAll(/[\r\n]+/g, " ");
}
