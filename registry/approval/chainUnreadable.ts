import { CaliberError } from "../../protocol/errors.js";

/** A node that gave no answer. The cause's own text may hold its URL, and that a key: it stays out of the message. */
export function chainUnreadable(node: string, cause: unknown): CaliberError<"CHAIN_UNREADABLE"> {
  return new CaliberError("CHAIN_UNREADABLE", `the chain could not be read: ${node} does not answer`, {
    cause,
    disposition: "retryable",
  });
}
