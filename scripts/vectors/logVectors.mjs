// rfc6962.json, log-entries.json, checkpoint.json
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { sha256 } from "./es256.mjs";
import { notes, rfc6962 } from "./publicVectors.mjs";
import { host, t0 } from "./sampleReports.mjs";
import { leaf, path, root } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export function treeVectors() {
  const leaves = rfc6962.leaves.map((data) => leaf(Buffer.from(data, "hex")));
  const [first] = rfc6962.inclusion.filter(({ index, size }) => index === 0 && size === 8);
  const bad = (name, change) => ({
    name,
    index: 0,
    size: 8,
    proof: first.proof,
    ...change,
    code: "INCLUSION_INVALID",
  });
  return {
    description:
      "RFC 6962 Merkle tree, SHA-256. `roots[n]` is the root over the first n leaves. A proof of leaf `index` in the tree of `size` leaves is listed from the leaf upward.",
    source:
      "Certificate Transparency's own test tree (transparency-dev/merkle, testonly); `all_inclusion` and `refused` from scripts/vectors/generate.mjs",
    ...rfc6962,
    leaf_hashes: leaves.map(hex),
    all_inclusion: [3, 5, 6, 7, 8].flatMap((size) =>
      leaves
        .slice(0, size)
        .map((_, index) => ({ index, size, proof: path(index, leaves.slice(0, size)).map(hex) })),
    ),
    refused_inclusion: [
      bad("another index", { index: 1 }),
      bad("another size", { size: 4 }),
      bad("index out of range", { index: 8 }),
      bad("negative index", { index: -1 }),
      bad("too short", { proof: first.proof.slice(0, 2) }),
      bad("too long", { proof: [...first.proof, first.proof[0]] }),
      bad("order changed", { proof: [...first.proof].reverse() }),
      bad("a part of 31 bytes", { proof: [first.proof[0].slice(2), ...first.proof.slice(1)] }),
      bad("an empty part", { proof: ["", ...first.proof.slice(1)] }),
      bad("a part of 33 bytes", { proof: [`${first.proof[0]}00`, ...first.proof.slice(1)] }),
    ],
    roots_of_sizes: [1, 2, 3, 7, 8, 9, 100, 257].map((size) => ({
      size,
      rule: "leaf i is the decimal text of i",
      root: hex(root(Array.from({ length: size }, (_, i) => leaf(Buffer.from(String(i)))))),
    })),
  };
}

export function entryVectors(device, report) {
  const json = (kind, body) => {
    const byte = { key: 2, tick: 3, finding: 4, reject: 5, chain: 6, policy: 7, challenge: 8, decision: 9 }[
      kind
    ];
    const bytes = Buffer.concat([Buffer.of(byte, 1), Buffer.from(JSON.stringify(body))]);
    return { kind, body, entry: hex(bytes), leaf_hash: hex(leaf(bytes)) };
  };
  const digest = hex(sha256("vector: refused envelope"));
  return {
    description:
      "Log entries: kind byte, version byte 0x01, then for a report `device_id (32) ‖ signature (64) ‖ PAE`, for every other kind UTF-8 JSON. The leaf hash is SHA-256(0x00 ‖ entry). For JSON kinds the bytes decide, not the members' order.",
    source: "scripts/vectors/generate.mjs",
    report: {
      device: device.id,
      signature: report.signature,
      payload: report.payload,
      entry: report.log_entry,
      leaf_hash: report.leaf_hash,
    },
    json: [
      json("tick", { received_at_ms: t0, first: 0, count: 2 }),
      json("key", { type: "revoke-host", at_ms: t0, host, reason: "Sold" }),
      json("decision", {
        device: device.id,
        at_ms: t0,
        outcome: "cleared",
        by: "A. Clerk",
        reason: "Seen on site",
      }),
      json("reject", { digest, host, device: device.id, code: "SIGNATURE_INVALID", at_ms: t0 }),
      json("finding", {
        code: "EQUIVOCATION",
        device: device.id,
        at_ms: t0,
        sides: [report.statement, digest],
        text: "two statements for seq 1",
      }),
      json("chain", {
        type: "beacon",
        number: 1234,
        hash: `0x${hex(sha256("vector: beacon block"))}`,
        time_ms: t0,
      }),
      json("challenge", {
        device: device.id,
        challenge: hex(sha256("vector: challenge")),
        issued_ms: t0,
        expires_ms: t0 + 30_000,
      }),
      json("policy", { name: "vector", values: { silent_after_ms: 180000 } }),
    ],
    refused: [
      ["empty", ""],
      ["kind 0", "0001"],
      ["kind 10", "0a017b7d"],
      ["version 2", "03027b7d"],
      ["a report cut short", report.log_entry.slice(0, 194)],
      ["JSON cut short", "03017b"],
      ["no JSON", "0301"],
    ].map(([name, entry]) => ({ name, entry, code: "ENTRY_MALFORMED" })),
  };
}

/** The seed is published here, and its text says what it is. */
const seed = sha256("caliber test vector: log key");

export function checkpointVectors(leaves) {
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  const origin = "caliber.example/log";
  const keyHash = sha256(Buffer.concat([Buffer.from(`${origin}\n`), Buffer.of(1), raw])).subarray(0, 4);
  const bodyOf = (size, rootBytes) => `${origin}\n${size}\n${rootBytes.toString("base64")}\n`;
  const line = (body) =>
    `\u2014 ${origin} ${Buffer.concat([keyHash, sign(null, Buffer.from(body), key)]).toString("base64")}\n`;
  const noteOf = (body) => `${body}\n${line(body)}`;
  const good = bodyOf(leaves.length, root(leaves));
  const note = noteOf(good);
  const witness = `\u2014 witness.example ${Buffer.alloc(76, 7).toString("base64")}\n`;
  const malformed = [
    ["not a note", "caliber"],
    ["no signature line", `${good}\n`],
    ["leading zero in the size", noteOf(good.replace(`\n${leaves.length}\n`, `\n0${leaves.length}\n`))],
    ["size above 2^53 - 1", noteOf(bodyOf("9007199254740992", root(leaves)))],
    ["negative size", noteOf(bodyOf(-1, root(leaves)))],
    ["root of 31 bytes", noteOf(bodyOf(leaves.length, root(leaves).subarray(1)))],
    ["another origin", noteOf(good.replace(origin, "caliber.example/other"))],
  ];
  const invalid = [
    ["size changed", note.replace(`\n${leaves.length}\n`, `\n${leaves.length + 1}\n`)],
    ["root changed", note.replace(root(leaves).toString("base64"), sha256("other").toString("base64"))],
    ["the witness alone", `${good}\n${witness}`],
    [
      "signed by another key under the same name",
      `${good}\n\u2014 ${origin} ${Buffer.concat([keyHash, Buffer.alloc(64, 1)]).toString("base64")}\n`,
    ],
    ["an extension line is added", note.replace("\n\n", "\nextension\n\n")],
  ];
  return {
    description:
      "C2SP tlog-checkpoint as a C2SP signed note with an Ed25519 key named like the origin. The root is that of the leaf hashes given. `tree_head` is a published head of the Go checksum database, whose body has the same three lines.",
    source:
      'c2sp.org/signed-note, c2sp.org/tlog-checkpoint; verifier keys of golang.org/x/mod/sumdb/note and sum.golang.org; the rest from scripts/vectors/generate.mjs with an Ed25519 seed of SHA-256("caliber test vector: log key")',
    ...notes,
    key: {
      seed: hex(seed),
      public: hex(raw),
      vkey: `${origin}+${hex(keyHash)}+${Buffer.concat([Buffer.of(1), raw]).toString("base64")}`,
    },
    origin,
    leaf_hashes: leaves.map(hex),
    accepted: [
      { name: "plain", note, size: leaves.length, root: hex(root(leaves)) },
      {
        name: "with a witness before",
        note: `${good}\n${witness}${line(good)}`,
        size: leaves.length,
        root: hex(root(leaves)),
      },
      { name: "empty tree", note: noteOf(bodyOf(0, root([]))), size: 0, root: hex(root([])) },
    ],
    refused: [
      ...malformed.map(([name, text]) => ({ name, note: text, code: "CHECKPOINT_MALFORMED" })),
      ...invalid.map(([name, text]) => ({ name, note: text, code: "CHECKPOINT_SIGNATURE_INVALID" })),
    ],
  };
}
