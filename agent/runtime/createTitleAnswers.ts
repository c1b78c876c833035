import type { Logger } from "pino";
import type {
  MintRequestBody,
  ReplacementRequestBody,
  RotationRequestBody,
} from "../../protocol/down/downMessage.js";
import { CaliberError } from "../../protocol/errors.js";
import type { Identity } from "../enrol/identity.js";
import type { SigningKey } from "../keys/keyStore.js";
import type { Spool } from "../spool/spool.js";
import { answerMintRequest } from "./answerMintRequest.js";
import { answerReplacementRequest } from "./answerReplacementRequest.js";
import { answerRotationRequest } from "./answerRotationRequest.js";
import type { Device } from "./coreDevice.js";
import type { KeyLedger } from "./createKeyLedger.js";

type TitleRequest = MintRequestBody | RotationRequestBody | ReplacementRequestBody;

const words = {
  "mint-request": ["consented to a title", "consent", "refused to consent to a title"],
  "rotation-request": [
    "the title may follow to this key",
    "let a title follow",
    "refused to let a title follow",
  ],
  "replacement-request": ["agreed to stand in for a title", "stand in", "refused to stand in for a title"],
} as const satisfies Record<TitleRequest["type"], readonly [agreed: string, act: string, refused: string]>;

/** Answers what the registry asks a device to sign about its title, and logs how: no refusal goes to the registry. */
export function createTitleAnswers(ports: {
  identity: Pick<Identity, "recipient" | "log_origin">;
  /** The one token that GPUs of this host may stand in for; null for none. */
  accept_replacement: string | null;
  find: (device: string) => Device | undefined;
  keys: KeyLedger;
  keyOf: (uuid: string, device: string) => SigningKey;
  spool: Spool;
  now_ms: () => number;
  log: Logger;
}): (request: TitleRequest) => void {
  const { identity, accept_replacement, find, keys, keyOf, spool, log } = ports;
  const { recipient, log_origin } = identity;

  const answer = (asked: TitleRequest): boolean => {
    const entry = find(asked.device);
    const now_ms = ports.now_ms();
    switch (asked.type) {
      case "mint-request": {
        const own = { recipient, log_origin, stands_in_for: accept_replacement };
        return answerMintRequest(asked, entry, { ...own, spool, now_ms });
      }
      case "rotation-request":
        return answerRotationRequest(asked, entry, { keys, spool, keyOf, now_ms });
      case "replacement-request":
        return answerReplacementRequest(asked, entry, {
          accepted: accept_replacement,
          log_origin,
          spool,
          now_ms,
        });
    }
  };

  return (asked) => {
    const [agreed, act, refused] = words[asked.type];
    const { device } = asked;
    try {
      if (answer(asked)) log.info({ device, asked }, agreed);
      else log.warn({ device }, `asked to ${act} before the chain was taken up`);
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      log.error({ device, code: error.code, why: error.message, asked }, refused);
    }
  };
}
