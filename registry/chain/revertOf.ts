import { BaseError, decodeErrorResult, type Hex } from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";

/** `name` is the contract's error, or "unknown" when the node gave no data that the ABIs know. */
export type Revert = { name: string; text: string; args?: readonly unknown[] };

const errorsAbi = [...caliberTokenAbi, ...caliberHealthAbi, ...caliberLogAbi].filter(
  (item) => item.type === "error",
);

/** What a node's answer to a call or an estimate says about a revert; null when it is about something else. */
export function revertOf(error: unknown): Revert | null {
  if (!(error instanceof BaseError)) return null;
  const data = revertData(error);
  if (data !== null) return decode(data);
  const reverted = error.walk((at) => (at as { code?: unknown }).code === 3);
  if (reverted === null && !/execution reverted/i.test(error.message)) return null;
  return { name: "unknown", text: error.shortMessage };
}

function revertData(error: BaseError): Hex | null {
  let found: Hex | null = null;
  error.walk((at) => {
    const data = (at as { data?: unknown }).data;
    const hex = typeof data === "object" && data !== null ? (data as { data?: unknown }).data : data;
    if (typeof hex === "string" && /^0x([0-9a-f]{2}){4,}$/i.test(hex)) found = hex as Hex;
    return found !== null;
  });
  return found;
}

function decode(data: Hex): Revert {
  try {
    const { errorName, args = [] } = decodeErrorResult({ abi: errorsAbi, data });
    return { name: errorName, text: `${errorName}(${args.join(", ")})`, args };
  } catch {
    // The contracts' ABIs do not know it; the selector still tells someone.
    return { name: "unknown", text: `unknown error ${data.slice(0, 74)}` };
  }
}
