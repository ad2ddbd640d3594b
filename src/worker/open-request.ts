import type { Phase } from "../protocol/common.js";
import type { ErrorBody, OkBody, RequestType, WorkerMessage } from "../protocol/messages.js";
import { ProgressDeadline } from "./deadlines.js";
import type { WorkerFailure } from "./failures.js";

export interface Progress {
  readonly phase: Phase;
  readonly detail: string;
  readonly outputTokens: number | null;
}

export interface LibraryWarning {
  readonly source: string;
  readonly text: string;
  readonly count: number;
}

/** Called with what the worker sends about a request before it answers it. */
export interface RequestHandlers {
  onProgress?(progress: Progress): void;
  onLibraryWarning?(libraryWarning: LibraryWarning): void;
}

export interface OpenRequestOptions {
  readonly id: string;
  readonly type: RequestType;
  readonly phase: Phase;
  /** Seconds without progress after which `onStuck` is called. */
  readonly progressSec: number;
  readonly handlers: RequestHandlers;
  /** The number of lines that the worker had written to stderr before this request. */
  readonly firstStderrLine: number;
  readonly onStuck: (message: string) => void;
}

export type Answer =
  | { readonly kind: "ok"; readonly body: OkBody }
  | { readonly kind: "error"; readonly body: ErrorBody }
  /** The worker broke the contract: this is not an answer to this request. */
  | { readonly kind: "protocol-violation"; readonly message: string };

/** The one request under way: its deadline, its progress, and its single answer. */
export class OpenRequest {
  readonly id: string;
  readonly phase: Phase;
  readonly firstStderrLine: number;
  readonly answer: Promise<OkBody>;
  private readonly deadline: ProgressDeadline;
  private resolve: (body: OkBody) => void = () => {};
  private reject: (failure: WorkerFailure) => void = () => {};

  constructor(private readonly options: OpenRequestOptions) {
    this.id = options.id;
    this.phase = options.phase;
    this.firstStderrLine = options.firstStderrLine;
    this.deadline = new ProgressDeadline(options.progressSec, () =>
      options.onStuck(`no progress for ${options.progressSec} s while in ${options.phase}`),
    );
    this.answer = new Promise<OkBody>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Passes on progress and notices of this request; those that come late, for an earlier request, are dropped. */
  hear(message: Extract<WorkerMessage, { type: "progress" | "notice" }>): void {
    if (message.parent !== this.id) return;
    if (message.type === "notice") {
      this.options.handlers.onLibraryWarning?.(message.body);
      return;
    }
    this.deadline.touch();
    const { phase, detail, output_tokens: outputTokens } = message.body;
    this.options.handlers.onProgress?.({ phase, detail, outputTokens });
  }

  /** Checks whether an answer belongs to this request and is of the right kind, without settling the request. */
  read(message: Extract<WorkerMessage, { type: "ok" | "error" }>): Answer {
    if (message.parent !== this.id) return { kind: "protocol-violation", message: notAsked(message.parent) };
    if (message.type === "error") return { kind: "error", body: message.body };
    if (message.body.request === this.options.type) return { kind: "ok", body: message.body };
    return {
      kind: "protocol-violation",
      message: `${this.options.type} was answered as ${message.body.request}`,
    };
  }

  fulfil(body: OkBody): void {
    this.deadline.stop();
    this.resolve(body);
  }

  fail(failure: WorkerFailure): void {
    this.deadline.stop();
    this.reject(failure);
  }
}

/** The text for an answer that belongs to no open request. */
export function notAsked(parent: string | null): string {
  return `an answer to no open request (${parent ?? "no parent"})`;
}
