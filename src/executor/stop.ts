/** How soon to stop. A request can only become more urgent: nothing → after this trial → now. */
export type StopHow = "after-this-trial" | "now";

export interface StopState {
  readonly how: StopHow;
  readonly reason: string;
}

export class StopSignal {
  private current: StopState | null = null;
  private readonly listeners = new Set<(state: StopState) => void>();

  get state(): StopState | null {
    return this.current;
  }

  request(how: StopHow, reason: string): void {
    if (this.current?.how === "now" || this.current?.how === how) return;
    this.current = { how, reason };
    for (const listener of this.listeners) listener(this.current);
  }

  /** Returns a function that removes the listener again. */
  listen(listener: (state: StopState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
