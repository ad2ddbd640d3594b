/** Lines of a file that comes in pieces. */

const NEWLINE = 0x0a;

/** Told each line without its end, its number from 1, and whether its end was there. */
type OnLine = (bytes: Buffer, line: number, isEnded: boolean) => void;

export class LineReader {
  #line = 1;
  /** Of a line whose end has not come yet. */
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

  /** After the last piece: what stands after the last line end. */
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
