import type { ReplacementRequestBody } from "../../protocol/down/downMessage.js";
import { CaliberError } from "../../protocol/errors.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import type { Spool } from "../spool/spool.js";
import { checkReplacementRequest } from "./checkReplacementRequest.js";
import type { Device } from "./coreDevice.js";
import type { TitleContract } from "./parseTitleContract.js";
import { rememberTitle } from "./rememberTitle.js";

/**
 * Signs that a GPU stands in behind a title from now on, and says so in a report.
 *
 * @returns whether it was said: not before the chain is taken up.
 * @throws CaliberError a TitleRefusalCode
 */
export function answerReplacementRequest(
  { replacement: asked }: ReplacementRequestBody,
  entry: Device | undefined,
  ports: {
    accepted: string | null;
    log_origin: string;
    spool: Pick<Spool, "meta" | "setMeta" | "isOwnInventory">;
    now_ms: number;
  },
): boolean {
  if (entry === undefined) {
    throw new CaliberError("TITLE_KEY_MISMATCH", "no such device is enrolled here");
  }
  const { device, uuid, key, monitor } = entry;
  const { accepted, log_origin, spool, now_ms } = ports;
  const replacement = checkReplacementRequest(asked, {
    accepted,
    device,
    uuid,
    log_origin,
    contract: spool.meta(`contract:${device}`) as TitleContract | null,
    isOwnInventory: (statement) => spool.isOwnInventory(device, statement),
    in_tpm: key.inTpm,
    silicon: spool.meta(`silicon:${device}`),
    now_ms,
  });
  const signature = key.sign(titleReplacementMessage(replacement)).toString("hex");
  const said = monitor.point({ kind: "replace-title", body: { replacement, signature } });
  if (said) rememberTitle(spool, device, replacement);
  return said;
}
