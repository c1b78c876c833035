import { evidenceChecks, evidenceGaps } from "../../../protocol/evidence/evidenceChecks.js";
import type { VerifiedEvidence } from "../../../protocol/evidence/verifyReport.js";

/** Verified evidence for people: what signed, what it says, what was checked and what was not. */
export function evidenceText(evidence: VerifiedEvidence): string {
  const { claims, measurements, trailing_zero_bytes } = evidence;
  const facts: [string, string | number | null][] = [
    ["device", `${evidence.kind}, ${evidence.architecture}, chip ${evidence.chip} ${evidence.stepping}`],
    ["identity", evidence.strong_identity],
    ["name", evidence.device_name],
    ["PDI", `${evidence.pdi} (sensitive)`],
    ["driver", claims.driver_version],
    ["VBIOS", claims.vbios_version],
    ["project", claims.project],
    ["project SKU", claims.project_sku],
    ["chip SKU", claims.chip_sku],
    ["feature", claims.feature],
    ["measurements", measurements.length],
    ["nonce", evidence.nonce],
    ["statement", evidence.statement],
    ["padding", trailing_zero_bytes === 0 ? null : `${trailing_zero_bytes} zero bytes, signed by nobody`],
  ];
  const lines = facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(13)} ${value}`);
  const checked = evidence.checked.map((check) => `  ${check.padEnd(11)} ${evidenceChecks[check]}`);
  const open = evidence.not_checked.map((gap) => `  ${gap.padEnd(11)} ${evidenceGaps[gap]}`);
  return `${[...lines, "checked:", ...checked, "NOT checked:", ...open].join("\n")}\n`;
}
