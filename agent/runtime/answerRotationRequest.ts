import type { RotationRequestBody } from "../../protocol/down/downMessage.js";
import { CaliberError } from "../../protocol/errors.js";
import { titleRotationMessage } from "../../protocol/mint/titleRotationMessage.js";
import type { SigningKey } from "../keys/keyStore.js";
import type { Spool } from "../spool/spool.js";
import { checkRotationRequest } from "./checkRotationRequest.js";
import type { Device } from "./coreDevice.js";
import type { KeyLedger } from "./createKeyLedger.js";
import type { TitleContract } from "./parseTitleContract.js";
import { rememberTitle } from "./rememberTitle.js";

/**
 * Signs, by the key that the title names and by the one in force, that the title follows, and says so in a report.
 *
 * @returns whether it was said: not before the chain is taken up.
 * @throws CaliberError a TitleRefusalCode, and KEY_MISSING … when the old key is not here
 */
export function answerRotationRequest(
  { rotation: asked }: RotationRequestBody,
  entry: Device | undefined,
  ports: {
    keys: KeyLedger;
    spool: Pick<Spool, "meta" | "head" | "setMeta">;
    keyOf: (uuid: string, device: string) => SigningKey;
    now_ms: number;
  },
): boolean {
  if (entry === undefined) {
    throw new CaliberError("TITLE_KEY_MISMATCH", "no such device is enrolled here");
  }
  const { device, uuid, key, monitor } = entry;
  const { keys, spool, keyOf, now_ms } = ports;
  const former = keys.formerOf(device);
  const [last] = former;
  const rotation = checkRotationRequest(asked, {
    device,
    former,
    rotated_by: last === undefined ? null : (spool.head(last)?.statement ?? null),
    contract: spool.meta(`contract:${device}`) as TitleContract | null,
    assurance: (key.inTpm ? 1 : 0) | (spool.meta(`silicon:${device}`) === null ? 0 : 2),
    now_ms,
  });
  const old = keyOf(uuid, rotation.old_key_hash.slice(2));
  if (`0x${old.id}` !== rotation.old_key_hash) {
    throw new CaliberError("KEY_MISSING", "the key that the title names is here no more");
  }
  const message = titleRotationMessage(rotation);
  const said = monitor.point({
    kind: "rotate-title",
    body: {
      rotation,
      old_signature: old.sign(message).toString("hex"),
      new_signature: key.sign(message).toString("hex"),
    },
  });
  if (said) rememberTitle(spool, device, rotation);
  return said;
}
