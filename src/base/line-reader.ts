/** Splits a file that arrives in pieces into lines. */

const NEWLINE = 0x0a;

/** Called with each line without its line end, the line's number (from 1), and whether it had a line end. */
type OnLine = (bytes: Buffer, line: number, isEnded: boolean) => void;

export class LineReader {
  #line = 1;
  /** Pieces of a line whose end has not arrived yet. */
  #begun: Buffer[] = [];

  constructor(private readonly onLine: OnLine) {}

  push(piece: Buffer): void {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      this.onLine(this.#take(piece.subarray(start, end)), this.#line++, true);
      start = end + 1;
    }
    if (start < piece.length) this.#begun.push(piece.subarray(start));
  }

  /** To be called after the last piece; passes on what follows the last line end. */
  end(): void {
    if (this.#begun.length > 0) this.onLine(this.#take(Buffer.alloc(0)), this.#line++, false);
  }

  #take(last: Buffer): Buffer {
    if (this.#begun.length === 0) return last;
    const whole = Buffer.concat([...this.#begun, last]);
    this.#begun = [];
    return whole;
  }
}
