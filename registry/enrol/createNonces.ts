import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";

export type Nonces = {
  /** A fresh nonce, 64 hex characters, good once for 60 s. */
  issue(): string;
  /** @throws CaliberError NONCE_UNKNOWN, NONCE_EXPIRED, NONCE_SPENT, BUSY */
  spend(nonce: string): void;
};

const lifetime_ms = 60_000;
const spentLimit = 10_000;

/**
 * Nonces by which a host shows that its renewal is fresh: `time (8) ‖ random (8) ‖ HMAC-SHA-256 of both, cut to 16
 * bytes`. Anyone may ask for one, so nothing is kept for those handed out; only spent ones are remembered, until they
 * would have expired anyway. The HMAC's key dies with the process, and all nonces with it.
 */
export function createNonces(now_ms: () => number): Nonces {
  const key = randomBytes(32);
  const spent = new Map<string, number>();
  const tagOf = (head: Buffer): Buffer => createHmac("sha256", key).update(head).digest().subarray(0, 16);

  const forgetExpired = (now: number): void => {
    for (const [nonce, expires_ms] of spent) {
      if (expires_ms >= now) return;
      spent.delete(nonce);
    }
  };

  return {
    issue() {
      const head = randomBytes(16);
      head.writeBigUInt64BE(BigInt(now_ms()), 0);
      return Buffer.concat([head, tagOf(head)]).toString("hex");
    },
    spend(nonce) {
      const bytes = Buffer.from(nonce, "hex");
      const head = bytes.subarray(0, 16);
      // The length check also keeps a second spelling of a spent nonce (upper case, trailing garbage) out.
      if (!/^[0-9a-f]{64}$/.test(nonce) || !timingSafeEqual(bytes.subarray(16), tagOf(head))) {
        throw new CaliberError("NONCE_UNKNOWN", "the nonce is not from this registry's present run");
      }
      const now = now_ms();
      const issued_ms = Number(head.readBigUInt64BE(0));
      if (now > issued_ms + lifetime_ms || now < issued_ms - lifetime_ms) {
        throw new CaliberError("NONCE_EXPIRED", "the nonce is older than 60 s");
      }
      if (spent.has(nonce)) throw new CaliberError("NONCE_SPENT", "the nonce was used before");
      forgetExpired(now);
      if (spent.size >= spentLimit) {
        throw new CaliberError("BUSY", "too many renewals within a minute", { disposition: "retryable" });
      }
      spent.set(nonce, issued_ms + lifetime_ms);
    },
  };
}
