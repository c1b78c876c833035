import {
  AbiDecodingDataSizeTooSmallError,
  AbiDecodingZeroDataError,
  type Address,
  BaseError,
  ContractFunctionZeroDataError,
} from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { revertOf } from "../chain/revertOf.js";

/**
 * A read that a contract of the right kind always answers.
 *
 * @throws CaliberError CONTRACT_INVALID when nothing is at the address, or something else; viem's errors when the
 *   node does not answer
 */
export async function onContract<Value>(
  name: string,
  address: Address,
  read: Promise<Value>,
): Promise<Value> {
  try {
    return await read;
  } catch (cause) {
    if (!isOther(cause)) throw cause;
    throw new CaliberError("CONTRACT_INVALID", `what is at ${address} is no ${name}`, {
      cause,
      disposition: "user",
    });
  }
}

function isOther(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  const undecodable = error.walk(
    (at) =>
      at instanceof ContractFunctionZeroDataError ||
      at instanceof AbiDecodingZeroDataError ||
      at instanceof AbiDecodingDataSizeTooSmallError,
  );
  return undecodable !== null || revertOf(error) !== null;
}
