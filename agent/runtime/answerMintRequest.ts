import type { MintRequestBody } from "../../protocol/down/downMessage.js";
import { CaliberError } from "../../protocol/errors.js";
import { mintAuthorizationMessage } from "../../protocol/mint/mintAuthorizationMessage.js";
import type { Spool } from "../spool/spool.js";
import { checkMintRequest, type OwnFacts } from "./checkMintRequest.js";
import type { Device } from "./coreDevice.js";
import type { TitleContract } from "./parseTitleContract.js";
import { rememberTitle } from "./rememberTitle.js";

/**
 * Signs that a GPU's title may be minted, and says so in a report.
 *
 * @returns whether it was said: not before the chain is taken up.
 * @throws CaliberError a MintRefusalCode
 */
export function answerMintRequest(
  { authorization: asked }: MintRequestBody,
  entry: Device | undefined,
  ports: Pick<OwnFacts, "recipient" | "log_origin" | "stands_in_for" | "now_ms"> & {
    spool: Pick<Spool, "meta" | "setMeta" | "isOwnInventory">;
  },
): boolean {
  if (entry === undefined) {
    throw new CaliberError("MINT_DEVICE_MISMATCH", "no such device is enrolled here");
  }
  const { device, uuid, key, monitor } = entry;
  const { spool, ...own } = ports;
  const authorization = checkMintRequest(asked, {
    ...own,
    device,
    uuid,
    contract: spool.meta(`contract:${device}`) as TitleContract | null,
    in_tpm: key.inTpm,
    silicon: spool.meta(`silicon:${device}`),
    isOwnInventory: (statement) => spool.isOwnInventory(device, statement),
  });
  const signature = key.sign(mintAuthorizationMessage(authorization)).toString("hex");
  const said = monitor.point({ kind: "consent", body: { purpose: "mint", authorization, signature } });
  if (said) rememberTitle(spool, device, authorization);
  return said;
}
