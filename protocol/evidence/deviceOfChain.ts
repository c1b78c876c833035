import { type DeviceArchitecture, type DeviceKind, deviceKinds } from "./deviceKinds.js";
import { evidenceError } from "./evidenceError.js";
import type { ChainCertificate } from "./readCertificate.js";

/** What a chain's names say of the device. */
export type ChainDevice = {
  kind: DeviceKind;
  architecture: DeviceArchitecture;
  /** GH100, GB100, LS_10 … */
  chip: string;
  /** A01 … */
  stepping: string;
  /** Per-device identifier; sensitive: it never goes on chain. */
  pdi: string;
  /** `NVIDIA:<chip>:<serial>`, the same for all of the device's life. */
  device_name: string;
};

/**
 * Reads which device a verified chain is of. NVIDIA's root also stands above network cards and others: a chain to it is
 * not yet a GPU's.
 *
 * @throws CaliberError EVIDENCE_DEVICE_UNKNOWN
 */
export function deviceOfChain(leaf: ChainCertificate, brom: ChainCertificate): ChainDevice {
  const names = /^([0-9A-Z_]{4,8}) ([A-Z][0-9]{2}) ([A-Z]{3}) FMC LF$/.exec(leaf.common_name ?? "");
  const [, chip = "", stepping = "", engine = ""] = names ?? [];
  const known = deviceKinds.find((candidate) => candidate.chip.test(chip));
  const serial = /^([0-9A-F]{2})([0-9A-F]{16})$/.exec(brom.subject_serial ?? "");
  const [device_name = "", ...others] = leaf.device_names;
  if (
    known === undefined ||
    serial?.[1] !== known.prefix ||
    brom.common_name !== `${chip} ${stepping} ${engine} BROM` ||
    others.length > 0 ||
    !new RegExp(`^NVIDIA:${chip}:[0-9A-F]{16}$`).test(device_name)
  ) {
    throw evidenceError("EVIDENCE_DEVICE_UNKNOWN", "the chain is not that of a GPU or switch that is known");
  }
  const { kind, architecture } = known;
  return { kind, architecture, chip, stepping, pdi: `0x${serial[2]!.toLowerCase()}`, device_name };
}
