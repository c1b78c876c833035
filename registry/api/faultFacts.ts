export type FaultFacts = { name: string; code?: string; message: string; stack?: string };

/**
 * What may be logged of an error. viem's hold the node's URL, with a provider's key in it, in their message, their
 * stack and their causes: of those the name and the short message alone. Causes are left out for all.
 */
export function faultFacts(error: unknown): FaultFacts {
  if (!(error instanceof Error))
    return { name: typeof error, message: "something was thrown that is no error" };
  const { name, message, stack } = error;
  if ("shortMessage" in error) return { name, message: String(error.shortMessage) };
  const code = "code" in error ? { code: String(error.code) } : {};
  return { name, ...code, message, ...(stack === undefined ? {} : { stack }) };
}
