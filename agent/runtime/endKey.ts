import type { RotateReport } from "../../protocol/report/schema.js";
import { rotationMessage } from "../../protocol/rotation/rotationMessage.js";
import { rotationQualification } from "../../protocol/tpm/rotationQualification.js";
import type { SigningKey } from "../keys/keyStore.js";
import type { Spool } from "../spool/spool.js";
import type { Device } from "./coreDevice.js";
import type { KeyLedger } from "./createKeyLedger.js";
import type { ReportSigner } from "./createReportSigner.js";

type Ports = { keys: KeyLedger; spool: Pick<Spool, "transaction"> };

/**
 * Hands one GPU's chain to a new key, signed by both. The key is on disk before anything names it.
 *
 * @returns false when the chain is not open yet: nothing was made and nothing signed.
 */
export function rotateDevice(
  entry: Device,
  newKey: (uuid: string) => SigningKey,
  { keys, spool, signerOf }: Ports & { signerOf: (key: SigningKey) => ReportSigner },
): boolean {
  const { device, uuid, monitor } = entry;
  if (!monitor.state().open) return false;
  const next = newKey(uuid);
  const proof = next.sign(rotationMessage(device, next.id)).toString("hex");
  const body = { successor_spki: next.spki.toString("base64"), proof, ...tpmWord(device, next) };
  return spool.transaction(() =>
    monitor.handOver({ kind: "rotate", body }, () => {
      keys.rotated(device, next.id);
      entry.device = next.id;
      entry.key = next;
      return signerOf(next);
    }),
  );
}

/** The TPM's word for the next key, so that it counts as one in a TPM too; nothing where it is a file. */
function tpmWord(device: string, next: SigningKey): Pick<RotateReport["body"], "tpm"> {
  const word = next.certify?.(rotationQualification(device, next.id));
  if (word === undefined) return {};
  const { public: area, attest, signature } = word;
  return {
    tpm: {
      public: area.toString("base64"),
      attest: attest.toString("base64"),
      signature: signature.toString("base64"),
    },
  };
}

/** Signs the last report of one GPU. @returns false when the chain is not open yet. */
export function retireDevice({ device, monitor }: Device, reason: string, { keys, spool }: Ports): boolean {
  return spool.transaction(() => {
    if (!monitor.point({ kind: "retire", body: { reason } })) return false;
    keys.retired(device);
    return true;
  });
}
