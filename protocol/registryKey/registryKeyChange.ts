/** Which of the registry's keys: `receipt` (P-256) signs what goes down and events, `log` (Ed25519) checkpoints. */
export type RegistryKeyPurpose = "receipt" | "log";

/** One key of the registry hands over to the next. Both sign the same message, so neither is put in another's place. */
export type RegistryKeyChange = {
  purpose: RegistryKeyPurpose;
  /** The log that it stands in. */
  origin: string;
  /** SPKI DER, base64. */
  from_spki: string;
  to_spki: string;
  at_ms: number;
  /** Until then the old key is announced from, and signs checkpoints beside the new one. */
  until_ms: number;
  /** 64 bytes each, base64: ES256 (low-S) or Ed25519, as the purpose has it. */
  from_signature: string;
  to_signature: string;
};

/** What both keys sign. No part can hold a line's end, so there is one reading. */
export function registryKeyMessage(
  change: Omit<RegistryKeyChange, "from_signature" | "to_signature">,
): Buffer {
  const { purpose, origin, from_spki, to_spki, at_ms, until_ms } = change;
  return Buffer.from(
    `caliber/registry-key/v1\n${purpose}\n${origin}\n${from_spki}\n${to_spki}\n${at_ms}\n${until_ms}\n`,
  );
}
