/** An answer that is an error, with its status: what a handler throws. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  /** What the status wants said in the answer's head. */
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
