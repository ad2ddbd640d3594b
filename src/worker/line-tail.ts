import { StringDecoder } from "node:string_decoder";

/** Longest line kept; the rest of a longer one is dropped. */
const MAX_LINE_CHARACTERS = 2_000;

/**
 * Splits a byte stream into lines and remembers the last ones. Memory is bounded whatever arrives,
 * so a worker that writes hundreds of megabytes neither blocks nor fills the controller.
 */
export class LineTail {
  private readonly lines: string[] = [];
  private partial = "";
  private readonly decoder = new StringDecoder("utf8");
  /** Bytes seen so far. */
  bytes = 0;
  /** Lines seen so far. */
  count = 0;

  constructor(
    private readonly keep: number,
    private readonly onLine: (line: string) => void = () => {},
  ) {}

  push(chunk: Buffer): void {
    this.bytes += chunk.byteLength;
    const pieces = (this.partial + this.decoder.write(chunk)).split(/\r\n|\n|\r/);
    this.partial = (pieces.pop() ?? "").slice(0, MAX_LINE_CHARACTERS);
    // If many lines come at once, only the last ones are kept; the callback still sees each one.
    for (const piece of pieces) this.add(piece.slice(0, MAX_LINE_CHARACTERS));
  }

  /** Returns the last lines, oldest first, including the unfinished one, but none of the first `since` lines. */
  last(since = 0): string[] {
    const unfinished = this.partial.trim() === "" ? [] : [this.partial];
    const kept = this.lines.slice(Math.max(0, this.lines.length - (this.count - since)));
    return [...kept, ...unfinished].slice(-this.keep);
  }

  private add(line: string): void {
    if (line.trim() === "") return;
    this.count += 1;
    this.lines.push(line);
    if (this.lines.length > this.keep) this.lines.shift();
    this.onLine(line);
  }
}
