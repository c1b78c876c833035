import { verify } from "node:crypto";
import { parseSpdmReport } from "../../protocol/evidence/parseSpdmReport.js";
import {
  syntheticDevice,
  syntheticNonce,
  syntheticNow_ms,
} from "../../protocol/evidence/testing/syntheticDevice.js";
import { verifyChain } from "../../protocol/evidence/verifyChain.js";
import { verifyEvidence } from "../../protocol/evidence/verifyEvidence.js";

/**
 * GPU attestations verified per second on one core: report and PEM chain as a GPU gives them. Every signature is checked
 * each time; kept from one to the next is only what reading the three certificates that devices share gave.
 * `ratio_to_p384` holds that against the rate at which the same core does nothing but the five P-384 verifications that
 * an attestation cannot do without: the report's, and one for each link of its chain.
 */
const slice_us = 200_000;
const slices = 30;
const verificationsEach = 5;

const device = syntheticDevice();
const evidence = { report: device.report(), chain: device.chain };
const expected = {
  nonce: syntheticNonce.toString("hex"),
  kind: "gpu",
  now_ms: syntheticNow_ms,
  root_sha256: device.root_sha256,
} as const;
const { leaf_key } = verifyChain(device.chain, syntheticNow_ms, device.root_sha256);
const { signed, signature } = parseSpdmReport(evidence.report);

const attest = (): void => void verifyEvidence(evidence, expected);
const p384 = (): void => {
  for (let i = 0; i < verificationsEach; i += 1) {
    if (!verify("sha384", signed, { key: leaf_key, dsaEncoding: "ieee-p1363" }, signature)) {
      throw new Error("the bench's own signature does not verify");
    }
  }
};

// Warm-up, then by short turns: a machine that is shared changes its pace within a minute.
for (let i = 0; i < 100; i += 1) {
  attest();
  p384();
}
const totals = { attest: 0, p384: 0 };
for (let slice = 0; slice < slices; slice += 1) {
  totals.attest += perSecond(attest);
  totals.p384 += perSecond(p384);
}
const metrics = {
  ratio_to_p384: round(totals.attest / totals.p384, 3),
  attestations_per_s: round(totals.attest / slices, 1),
  p384_verifications_per_s: round((totals.p384 * verificationsEach) / slices, 1),
  report_bytes: evidence.report.length,
};
process.stdout.write(`${JSON.stringify({ bench: "evidence", metrics })}\n`);

/** By the process's own CPU time, so that neighbours on the core do not count. */
function perSecond(work: () => void): number {
  const from = process.cpuUsage();
  let [done, spent_us] = [0, 0];
  while (spent_us < slice_us) {
    work();
    done += 1;
    const { user, system } = process.cpuUsage(from);
    spent_us = user + system;
  }
  return (done * 1e6) / spent_us;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
