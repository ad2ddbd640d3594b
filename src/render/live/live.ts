import { createLogUpdate } from "log-update";
import stringWidth from "string-width";
import type { Clock } from "../../base/clock.js";
import { wrapText } from "../../base/text.js";
import type { Plan } from "../../plan/plan-types.js";
import type { RunEvent, RunEventListener } from "../../run/events.js";
import { advance, initialState } from "../../run/live-state.js";
import { formatLogLine, formatStatusLines } from "./live-lines.js";

/** How often the moving lines are redrawn: rarely enough not to disturb measurements on the same cores. */
const REDRAW_MS = 500;

export interface LiveDisplayOptions {
  readonly io: {
    readonly stderr: NodeJS.WritableStream;
    readonly stderrIsTty: boolean;
    readonly columns: number;
    readonly color: boolean;
    readonly clock: Clock;
  };
  readonly plan: Plan;
}

export interface LiveDisplay {
  readonly onEvent: RunEventListener;
  close(): void;
}

/** Shows a run on stderr: two rewritten lines on a terminal, one line per event elsewhere. */
export function createLiveDisplay({ io, plan }: LiveDisplayOptions): LiveDisplay {
  const now = () => io.clock.monotonicSec();
  let state = initialState(plan, now());
  const plain = !io.stderrIsTty;
  const style = { columns: io.columns, color: io.color && io.stderrIsTty };
  const update = plain ? null : createLogUpdate(io.stderr as NodeJS.WriteStream);
  const redraw = () => update?.(formatStatusLines(state, now(), style).join("\n"));
  const timer = update === null ? null : setInterval(redraw, REDRAW_MS);
  timer?.unref();
  const keep = (line: string) => {
    if (update === null) io.stderr.write(`${line}\n`);
    else update.persist(wrapped(line, io.columns - 1));
  };
  return {
    onEvent: (event: RunEvent) => {
      state = advance(state, event, plan, now());
      const line = formatLogLine(event, state, now(), { plain, color: style.color });
      if (line !== null) keep(line);
      if (event.type !== "progress") redraw();
    },
    close: () => {
      if (timer !== null) clearInterval(timer);
      update?.clear();
      update?.done();
    },
  };
}

/**
 * Wraps a permanent line. It is never cut, because the cause is at its end. If a word is wider than the terminal, the line is
 * left for the terminal to break.
 */
function wrapped(line: string, width: number): string {
  if (line.split(" ").some((word) => stringWidth(word) > width - 2)) return line;
  const [first = "", ...rest] = wrapText(line, width - 2);
  return [first, ...rest.map((more) => `  ${more}`)].join("\n");
}
