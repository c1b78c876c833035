#!/usr/bin/env node
// Checks what a registry says with nothing but Node's own crypto: none of this project's code is used, so that it can
// be read in one go. README.md ("Check it yourself") says how to get the files.
//
//   node docs/check.mjs VKEY checkpoint entry.bin proof.json enrol.bin keys.json events.json
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const [vkey, checkpointFile, entryFile, proofFile, enrolFile, keysFile, eventsFile] = process.argv.slice(2);
const json = (file) => JSON.parse(readFileSync(file, "utf8"));
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const demand = (holds, what) => {
  if (!holds) throw new Error(`DOES NOT HOLD: ${what}`);
  console.log(`ok  ${what}`);
};
const es256 = (spki, message, signature) =>
  verify(
    "sha256",
    message,
    { key: createPublicKey({ key: spki, format: "der", type: "spki" }), dsaEncoding: "ieee-p1363" },
    signature,
  );

// 1. The checkpoint is signed by the log whose verifier key you pinned (C2SP signed note, Ed25519).
const [, name, keyHash, keyText] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
const key = Buffer.from(keyText, "base64");
const note = readFileSync(checkpointFile, "utf8");
const text = note.slice(0, note.indexOf("\n\n") + 1);
const [origin, sizeText, rootText] = text.split("\n");
const line = note.split("\n").find((candidate) => candidate.startsWith(`— ${name} `)) ?? "";
const signed = Buffer.from(line.slice(`— ${name} `.length), "base64");
const ed25519 = createPublicKey({
  key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key.subarray(1)]),
  format: "der",
  type: "spki",
});
demand(
  origin === name &&
    signed.subarray(0, 4).toString("hex") === keyHash &&
    verify(null, Buffer.from(text), ed25519, signed.subarray(4)),
  `checkpoint of ${sizeText} entries is signed by ${name}`,
);

// 2. The entry is in the tree that the checkpoint promises (RFC 6962, RFC 9162 2.1.3.2).
const entry = readFileSync(entryFile);
const { idx, proof } = json(proofFile);
let at = idx;
let last = Number(sizeText) - 1;
let hash = sha256(Buffer.from([0]), entry);
for (const sibling of proof.map((hex) => Buffer.from(hex, "hex"))) {
  if (at % 2 === 1 || at === last) {
    hash = sha256(Buffer.from([1]), sibling, hash);
    for (; at % 2 === 0 && at > 0; at /= 2) last = Math.floor(last / 2);
  } else {
    hash = sha256(Buffer.from([1]), hash, sibling);
  }
  at = Math.floor(at / 2);
  last = Math.floor(last / 2);
}
demand(last === 0 && hash.toString("base64") === rootText, `entry ${idx} is in the log, unchanged`);

// 3. The entry is a report, signed by the device's own key. A device is named by the hash of its key.
const enrolled = JSON.parse(readFileSync(enrolFile).subarray(2).toString());
const device = entry.subarray(2, 34).toString("hex");
const found = enrolled.devices.find((candidate) => candidate.device === device);
demand(entry[0] === 1 && found !== undefined, `entry ${idx} is a report of ${device.slice(0, 8)}…`);
const spki = Buffer.from(found.spki, "base64");
const pae = entry.subarray(98);
demand(sha256(spki).toString("hex") === device, "the device's name is the hash of its key");
demand(
  es256(spki, pae, entry.subarray(34, 98)),
  `the report is signed by it; statement ${sha256(pae).toString("hex")}`,
);

// 4. Events are signed by the registry's key (DSSE, ES256), and say what the envelope holds.
const registry = Buffer.from(json(keysFile).registry_spki, "base64");
for (const item of json(eventsFile).events) {
  const { payloadType, payload, signatures } = JSON.parse(item.envelope);
  const body = Buffer.from(payload, "base64");
  const message = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `),
    body,
  ]);
  const event = JSON.parse(body.toString());
  demand(
    es256(registry, message, Buffer.from(signatures[0].sig, "base64")),
    `event ${item.id} is signed by the registry: ${event.data.current ?? event.data.code ?? "presence"}, evidence ${event.data.evidence.slice(0, 16)}…`,
  );
}
