import { CaliberError } from "../../protocol/errors.js";

/** A token contract on its chain, `<chain id>:0x<40 lower-case hex>`. */
export type TitleContract = `${number}:0x${string}`;

/**
 * Reads a contract as people write it, in upper or lower case.
 *
 * @throws CaliberError TITLE_CONTRACT_MALFORMED
 */
export function parseTitleContract(text: string): TitleContract {
  const match = /^([1-9][0-9]{0,15}):0x([0-9a-fA-F]{40})$/.exec(text);
  const chain_id = Number(match?.[1]);
  if (match === null || !Number.isSafeInteger(chain_id)) {
    throw new CaliberError("TITLE_CONTRACT_MALFORMED", "a contract is written CHAIN_ID:0xADDRESS", {
      disposition: "user",
    });
  }
  return `${chain_id}:0x${match[2]!.toLowerCase()}`;
}
