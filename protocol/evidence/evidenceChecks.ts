/** What a verification of evidence looked at, each name with what it showed. */
export const evidenceChecks = {
  root: "the chain ends in the pinned root",
  chain: "five certificates, each issued and signed by the next, each allowed in its place and valid now",
  device: "the certificates are those of one GPU or switch of a known kind",
  signature: "request and response are signed by the key of the chain's leaf",
  nonce: "the report answers the nonce that was asked for",
  fwid: "the firmware in the report is that for which its key was certified",
} as const;

/** What it did not look at, each name with what therefore stays open. */
export const evidenceGaps = {
  nonce: "no nonce was given: the report may be old",
  fwid: "report or certificate names no firmware digest",
  rim: "the measurements are not compared with NVIDIA's reference values: the firmware may be anybody's",
  ocsp: "NVIDIA was not asked about revocation",
  inventory:
    "the report names no UUID and no board serial: joining it with nvidia-smi's inventory is another step",
  location: "a genuine GPU answered, perhaps relayed from another machine",
} as const;

export type EvidenceCheck = keyof typeof evidenceChecks;
export type EvidenceGap = keyof typeof evidenceGaps;
