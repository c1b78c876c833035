// replacement.json: a device that stands in behind a title, and who consents to it.
import { hashDomain, hashStruct, hashTypedData } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { sha256, sign } from "./es256.mjs";
import { base, chainOf, t0, uuid } from "./sampleReports.mjs";
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
  Replacement: [
    { name: "tokenId", type: "uint256" },
    { name: "fingerprint", type: "bytes32" },
    { name: "deviceKeyHash", type: "bytes32" },
    { name: "strongIdentity", type: "bytes32" },
    { name: "weakIdentity", type: "bytes32" },
    { name: "evidence", type: "bytes32" },
    { name: "logOrigin", type: "bytes32" },
    { name: "headerHash", type: "bytes32" },
    { name: "assurance", type: "uint8" },
    { name: "predecessor", type: "uint256" },
    { name: "nonce", type: "uint64" },
    { name: "deadline", type: "uint64" },
  ],
};

/** The chain of a device of its own: an inventory, and that it stands in for token 7; by viem, which shares no code with ours. */
export async function replacementVectors(device) {
  const consenter = privateKeyToAccount(`0x${hex(sha256("caliber test vector: consenter key"))}`);
  const reportOf = (seq, prev, kind, window, body) =>
    signed(types.report, JSON.stringify({ ...base(device.id, seq, prev, window), kind, body }), device);
  const [[, window, inventory]] = chainOf(null);
  const first = reportOf(0, "0".repeat(64), "inventory", window, inventory);
  const replacement = {
    chain_id: domain.chainId,
    contract: domain.verifyingContract,
    token_id: "7",
    fingerprint: `0x${hex(sha256("vector: fingerprint"))}`,
    device_key_hash: `0x${device.id}`,
    strong_identity: `0x${"0".repeat(64)}`,
    weak_identity: `0x${hex(sha256(`caliber/identity/gpu-uuid/v1\n${uuid}`))}`,
    evidence: `0x${first.statement}`,
    log_origin: `0x${hex(sha256("caliber.example/log"))}`,
    header_hash: `0x${"0".repeat(64)}`,
    assurance: 0,
    predecessor: "3",
    nonce: "0",
    deadline: String((t0 + 6 * 24 * 60 * minute) / 1000),
  };
  const message = {
    tokenId: BigInt(replacement.token_id),
    fingerprint: replacement.fingerprint,
    deviceKeyHash: replacement.device_key_hash,
    strongIdentity: replacement.strong_identity,
    weakIdentity: replacement.weak_identity,
    evidence: replacement.evidence,
    logOrigin: replacement.log_origin,
    headerHash: replacement.header_hash,
    assurance: replacement.assurance,
    predecessor: BigInt(replacement.predecessor),
    nonce: BigInt(replacement.nonce),
    deadline: BigInt(replacement.deadline),
  };
  const typed = { domain, types: types712, primaryType: "Replacement", message };
  const struct = hashStruct({ primaryType: "Replacement", types: types712, data: message });
  const preimage = `1901${hashDomain({ domain, types: types712 }).slice(2)}${struct.slice(2)}`;
  const signature = hex(sign(Buffer.from(preimage, "hex"), device));
  const at = [t0 + minute, t0 + minute];
  const second = reportOf(1, first.statement, "replace-title", at, { replacement, signature });
  return {
    description:
      "A replacement. `message` is what the device signs that is to stand in behind the title (ES256, `signature`), and `digest`, its Keccak-256, what the consenter signs (secp256k1, `consent`). `reports` are the device's chain: the inventory that `evidence` names, and what it has signed.",
    source:
      'scripts/vectors/generate.mjs; the consenter\'s key is SHA-256("caliber test vector: consenter key")',
    device: device.id,
    device_spki: hex(device.spki),
    uuid,
    log_origin: "caliber.example/log",
    replacement,
    message: preimage,
    signature,
    digest: hashTypedData(typed),
    consenter: consenter.address,
    consent: await consenter.signTypedData(typed),
    reports: [first, second].map((one) => {
      const entry = Buffer.concat([Buffer.of(1, 1), Buffer.from(device.id, "hex"), one.signature, one.pae]);
      return {
        envelope: envelope(one, device.id),
        payload: one.payload.toString(),
        statement: one.statement,
        log_entry: hex(entry),
        leaf_hash: hex(leaf(entry)),
      };
    }),
  };
}
