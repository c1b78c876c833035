// Writes fixtures/vectors/*.json, all but mint-authorization.json (scripts/contracts/mint-vector.mjs). With --check
// it writes nothing and fails when a file on disk differs. Everything is deterministic.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chainVectors } from "./chainVectors.mjs";
import { dsseVectors, es256Vectors, identityVectors } from "./cryptoVectors.mjs";
import { edgeVectors } from "./edgeVectors.mjs";
import { keyPair, sha256, sign } from "./es256.mjs";
import { evidenceVectors } from "./evidenceVectors.mjs";
import { checkpointVectors, entryVectors, treeVectors } from "./logVectors.mjs";
import { downVectors, eventVectors, topicVectors } from "./messageVectors.mjs";
import { rfc6979 } from "./publicVectors.mjs";
import { replacementVectors } from "./replacementVectors.mjs";
import { reportVectors } from "./reportVectors.mjs";
import { rotationVectors } from "./rotationVectors.mjs";
import { sampleVectors } from "./sampleVectors.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../fixtures/vectors");
const check = process.argv.includes("--check");

const device = keyPair(rfc6979.d);
const successor = keyPair(sha256("caliber test vector: successor key").toString("hex"));
const standIn = keyPair(sha256("caliber test vector: stand-in key").toString("hex"));
const registry = keyPair(sha256("caliber test vector: registry key").toString("hex"));

/** The consent of this device to the title of mint-authorization.json, signed deterministically. */
function consentOf(mint) {
  const { message, domain } = mint;
  return {
    purpose: "mint",
    authorization: {
      chain_id: domain.chainId,
      contract: domain.verifyingContract.toLowerCase(),
      recipient: message.recipient.toLowerCase(),
      device_key_hash: message.deviceKeyHash,
      strong_identity: message.strongIdentity,
      weak_identity: message.weakIdentity,
      evidence: message.evidence,
      log_origin: message.logOrigin,
      header_hash: message.headerHash,
      assurance: message.assurance,
      predecessor: message.predecessor,
      nonce: message.nonce,
      deadline: message.deadline,
    },
    signature: sign(Buffer.from(mint.preimage.slice(2), "hex"), device).toString("hex"),
  };
}

const mint = JSON.parse(readFileSync(join(folder, "mint-authorization.json"), "utf8"));
const reports = reportVectors(device, consentOf(mint));
const leaves = reports.accepted.map(({ leaf_hash }) => Buffer.from(leaf_hash, "hex"));
const files = {
  "dsse.json": dsseVectors(),
  "es256.json": es256Vectors(),
  "es256-edges.json": edgeVectors(),
  "identity.json": identityVectors(),
  "rfc6962.json": treeVectors(),
  "checkpoint.json": checkpointVectors(leaves),
  "report-envelopes.json": reports,
  "rotation.json": rotationVectors(device, successor, {
    seq: reports.accepted.length - 1,
    prev: reports.accepted.at(-1).statement,
  }),
  "replacement.json": await replacementVectors(standIn),
  "log-entries.json": entryVectors(device, reports.accepted[1]),
  "chain.json": chainVectors(),
  "down.json": downVectors(registry, device, reports.accepted[0]),
  "evidence.json": evidenceVectors(),
  "event.json": eventVectors(registry, device, reports.accepted[2]),
  "samples-root.json": sampleVectors(),
  "topics.json": topicVectors(device),
};

const stale = [];
for (const [name, content] of Object.entries(files)) {
  const text = `${JSON.stringify(content, null, 2)}\n`;
  const file = join(folder, name);
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) stale.push(name);
}
if (stale.length > 0) {
  console.error(`not what scripts/vectors/generate.mjs writes: ${stale.join(", ")}`);
  process.exit(1);
}
console.log(`${Object.keys(files).length} vector files ${check ? "are current" : "written"}`);
