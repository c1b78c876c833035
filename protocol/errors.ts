/** How a caller should take a fault: try again, tell the user, or stop. */
export type Disposition = "retryable" | "user" | "refused" | "internal";

export type CaliberErrorOptions = {
  cause?: unknown;
  /** Facts for a person; never a secret. */
  details?: string;
  disposition?: Disposition;
};

/**
 * Every error that caliberd raises on purpose. `code` is stable and part of the protocol where it travels
 * (receipts, HTTP answers); `message` is for people.
 */
export class CaliberError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly details: string | undefined;
  readonly disposition: Disposition;

  constructor(code: Code, message: string, options: CaliberErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CaliberError";
    this.code = code;
    this.details = options.details;
    this.disposition = options.disposition ?? "refused";
  }

  /** The first CaliberError in the cause chain that has this code. */
  static find(error: unknown, code: string): CaliberError | undefined {
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      if (at instanceof CaliberError && at.code === code) return at;
    }
    return undefined;
  }
}
