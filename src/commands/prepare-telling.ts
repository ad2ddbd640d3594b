/** Loads what the end of a run needs ahead of time, at moments when nothing is being measured. */
import type { LoadSession, Plan } from "../plan/plan-types.js";
import type { Drawing } from "../render/charts/write-charts.js";
import type { RunEvent } from "../run/events.js";

type Telling = typeof import("./tell-result.js");

export class TellingAhead {
  /** Loading begins once everything is measured. Null if that is known only at the end, or if the run ended in another way. */
  drawing: Promise<Drawing> | null = null;
  private telling: Promise<Telling> | null = null;

  /** The load session after which nothing is measured; null if the records may call for further loads. */
  private readonly last: LoadSession | null;

  constructor({ header, blocks }: Pick<Plan, "header" | "blocks">) {
    this.last = header.further_rounds > 0 ? null : (blocks.at(-1) ?? null);
  }

  readonly onEvent = (event: RunEvent): void => {
    const isMeasured = event.type === "session-measured" && event.session.index === this.last?.index;
    if (event.type !== "worker-importing" && !isMeasured) return;
    const telling = this.load();
    if (isMeasured) this.drawing = telling.then(({ loadDrawing }) => loadDrawing());
    // An error reaches whoever awaits the promise later.
    (this.drawing ?? telling).catch(() => {});
  };

  load(): Promise<Telling> {
    this.telling ??= import("./tell-result.js");
    return this.telling;
  }
}
