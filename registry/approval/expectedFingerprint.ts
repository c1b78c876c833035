import { encodeAbiParameters, type Hex, keccak256 } from "viem";
import type { DeviceFold } from "../health/deviceFold.js";
import type { TitleFacts } from "./approvalFacts.js";

const abi = [
  { type: "uint256" },
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "uint8" },
  { type: "bytes32" },
  { type: "address" },
] as const;

const none: Hex = `0x${"00".repeat(32)}`;

/**
 * CaliberToken's fingerprint of a title as it should be: key and identities are those that the registry knows of the
 * device, header and controller those on chain, which are no facts of the hardware. A title that claims no silicon, or
 * less assurance than is known by now, claims nothing wrong.
 */
export function expectedFingerprint(fold: DeviceFold, token_id: bigint, title: TitleFacts): Hex {
  const claimsSilicon = title.strong_identity !== none;
  const silicon = fold.silicon === null ? none : hex(fold.silicon.strong_identity);
  const known = (fold.key === "tpm" ? 1 : 0) | (fold.silicon === null ? 0 : 2);
  return keccak256(
    encodeAbiParameters(abi, [
      token_id,
      hex(fold.device),
      claimsSilicon ? silicon : none,
      fold.inventory === null ? none : hex(fold.inventory.weak_identity),
      title.assurance & known,
      title.header_hash,
      title.controller,
    ]),
  );
}

const hex = (text: string): Hex => (text.startsWith("0x") ? (text as Hex) : `0x${text}`);
