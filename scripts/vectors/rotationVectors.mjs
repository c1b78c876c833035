// rotation.json: a chain that is handed to another key, goes on under it, and is ended.
import { hashDomain, hashStruct } from "viem";
import { sign } from "./es256.mjs";
import { base, t0, telemetry } from "./sampleReports.mjs";
import { envelope, leaf, signed, types } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const minute = 60_000;

const domain = {
  name: "CaliberToken",
  version: "1",
  chainId: 42161,
  verifyingContract: `0x${"c0".repeat(20)}`,
};
const types712 = {
  EIP712Domain: [
    { name: "name", type: "string" },
    { name: "version", type: "string" },
    { name: "chainId", type: "uint256" },
    { name: "verifyingContract", type: "address" },
  ],
  Rotation: [
    { name: "tokenId", type: "uint256" },
    { name: "oldKeyHash", type: "bytes32" },
    { name: "newKeyHash", type: "bytes32" },
    { name: "evidence", type: "bytes32" },
    { name: "assurance", type: "uint8" },
    { name: "nonce", type: "uint64" },
    { name: "deadline", type: "uint64" },
  ],
};

/** Token 7 follows from `device` to `successor`, on the word of both; by viem, which shares no code with ours. */
function titleOf(device, successor, statement) {
  const rotation = {
    chain_id: domain.chainId,
    contract: domain.verifyingContract,
    token_id: "7",
    old_key_hash: `0x${device.id}`,
    new_key_hash: `0x${successor.id}`,
    evidence: `0x${statement}`,
    assurance: 0,
    nonce: "1",
    deadline: String((t0 + 130 * minute) / 1000),
  };
  const struct = hashStruct({
    primaryType: "Rotation",
    types: types712,
    data: {
      tokenId: BigInt(rotation.token_id),
      oldKeyHash: rotation.old_key_hash,
      newKeyHash: rotation.new_key_hash,
      evidence: rotation.evidence,
      assurance: rotation.assurance,
      nonce: BigInt(rotation.nonce),
      deadline: BigInt(rotation.deadline),
    },
  });
  const preimage = `1901${hashDomain({ domain, types: types712 }).slice(2)}${struct.slice(2)}`;
  const by = (key) => hex(sign(Buffer.from(preimage, "hex"), key));
  return { preimage, body: { rotation, old_signature: by(device), new_signature: by(successor) } };
}

/** @param last the last of the accepted reports: `device` goes on from there. */
export function rotationVectors(device, successor, last) {
  const message = Buffer.concat([
    Buffer.from("caliber/rotation/v1\n"),
    Buffer.from(device.id, "hex"),
    Buffer.from(successor.id, "hex"),
  ]);
  const proof = hex(sign(message, successor));
  const at = t0 + 70 * minute;
  const bodies = [
    [device, "rotate", [at, at], { successor_spki: successor.spki.toString("base64"), proof }],
    [successor, "rotate-title", [at, at], null],
    [successor, "telemetry", [at, at + minute], telemetry],
    [successor, "retire", [at + minute, at + minute], { reason: "Sold" }],
  ];
  let { seq, prev } = last;
  let title_message;
  const reports = bodies.map(([key, kind, window, given]) => {
    seq += 1;
    const title = given === null ? titleOf(device, successor, prev) : null;
    title_message ??= title?.preimage;
    const body = given ?? title.body;
    const one = signed(types.report, JSON.stringify({ ...base(key.id, seq, prev, window), kind, body }), key);
    prev = one.statement;
    const entry = Buffer.concat([Buffer.of(1, 1), Buffer.from(key.id, "hex"), one.signature, one.pae]);
    return {
      name: `${kind} ${seq}`,
      device: key.id,
      envelope: envelope(one, key.id),
      payload: one.payload.toString(),
      statement: one.statement,
      log_entry: hex(entry),
      leaf_hash: hex(leaf(entry)),
    };
  });
  return {
    description:
      "A rotation. `message` is what the successor signs, and `proof` its signature (r‖s, low-S). `reports` go on from the last of `accepted` in report-envelopes.json: the old key's last one, the first of the new key, which takes the next seq and names the rotation as `prev`, and the new key's last. `title_message` is what both keys sign so that the title follows, as said in the `rotate-title` report.",
    source: "scripts/vectors/generate.mjs",
    device: device.id,
    device_spki: hex(device.spki),
    successor: successor.id,
    successor_spki: hex(successor.spki),
    message: hex(message),
    proof,
    title_message,
    reports,
  };
}
