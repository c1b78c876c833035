// evidence.json
import { createECDH, createHash } from "node:crypto";
import { rfc6979P384 } from "./publicVectors.mjs";

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const bytes = (hex) => Buffer.from(hex, "hex");
const random = (what) => sha256(Buffer.from(`caliber test vector: ${what}`)).toString("hex");

export function evidenceVectors() {
  const device_id = random("device");
  const challenge = random("challenge");
  const beacon = { number: 23_456_789, hash: `0x${random("beacon")}` };
  const parts = [
    { log_origin: "caliber.example/log", device_id, beacon, challenge, chain_head: random("head") },
    { log_origin: "vector.invalid/1", device_id, beacon: null, challenge, chain_head: "0".repeat(64) },
  ];
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(rfc6979P384.d, "hex");
  // SubjectPublicKeyInfo: id-ecPublicKey, secp384r1, then the uncompressed point.
  const spki = Buffer.concat([bytes("3076301006072a8648ce3d020106052b81040022036200"), ecdh.getPublicKey()]);
  return {
    description:
      "The nonce that a GPU is asked to sign, and the identity of its silicon. A nonce is SHA-256 of `preimage`, whose parts have fixed sizes.",
    source: "scripts/vectors/generate.mjs; the key is the published P-384 test key of RFC 6979, A.2.6",
    nonces: parts.map((part) => {
      const preimage = preimageOf(part);
      return { ...part, preimage: preimage.toString("hex"), nonce: sha256(preimage).toString("hex") };
    }),
    strong_identity: [
      {
        brom_spki: spki.toString("hex"),
        strong_identity: sha256(Buffer.from("caliber/identity/gpu-brom/v1\n"), spki).toString("hex"),
      },
    ],
  };
}

function preimageOf({ log_origin, device_id, beacon, challenge, chain_head }) {
  const block = Buffer.alloc(41);
  if (beacon !== null) {
    block[0] = 1;
    block.writeBigUInt64BE(BigInt(beacon.number), 1);
    bytes(beacon.hash.slice(2)).copy(block, 9);
  }
  return Buffer.concat([
    Buffer.from("caliber/gpu-evidence/v1\n"),
    sha256(Buffer.from(log_origin)),
    bytes(device_id),
    block,
    bytes(challenge),
    bytes(chain_head),
  ]);
}
