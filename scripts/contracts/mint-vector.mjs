// Writes fixtures/vectors/mint-authorization.json: one mint authorization, from key to signature, that any
// implementation of the device's side can be checked against. ECDSA is randomized, so a signature on file that is
// still good is kept: running this twice changes nothing.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { concat, domainSeparator, encodeAbiParameters, hashStruct, keccak256, stringToHex } from "viem";

const file = join(dirname(fileURLToPath(import.meta.url)), "../../fixtures/vectors/mint-authorization.json");

/** Order of the P-256 group. */
const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The P-256 key pair of RFC 6979, A.2.5: published, so nobody can mistake it for a secret. */
const key = {
  d: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
  x: "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
  y: "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
};

const members = [
  { name: "recipient", type: "address" },
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
];
const types = { MintAuthorization: members };

/** The contract that account 0 of a development chain deploys first. */
const domain = {
  name: "CaliberToken",
  version: "1",
  chainId: 31337,
  verifyingContract: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
};

const sha256 = (bytes) => `0x${createHash("sha256").update(bytes).digest("hex")}`;
const bytesOf = (hex) => Buffer.from(hex.replace(/^0x/, ""), "hex");
const word = (value) => `0x${value.toString(16).padStart(64, "0")}`;

const privateKey = createPrivateKey({
  format: "jwk",
  key: {
    kty: "EC",
    crv: "P-256",
    d: bytesOf(key.d).toString("base64url"),
    x: bytesOf(key.x).toString("base64url"),
    y: bytesOf(key.y).toString("base64url"),
  },
});
const publicKey = createPublicKey(privateKey);
const spki = publicKey.export({ type: "spki", format: "der" });

/** What the contract's `registerHeader` has to be given before the mint. */
const header = {
  tokenIssuer: "Example Issuer",
  assetHolder: "Example Bailee",
  storedLocation: "Hall 1",
  terms: "https://terms.example/1",
  jurisdiction: "US-DE",
  valueCurrency: "USD",
  declaredValue: 3000000n,
};
const headerComponents = Object.entries(header).map(([name, value]) => ({
  name,
  type: typeof value === "bigint" ? "uint256" : "string",
}));
const headerHash = keccak256(
  encodeAbiParameters([{ type: "tuple", components: headerComponents }], [header]),
);

const message = {
  recipient: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
  deviceKeyHash: sha256(spki),
  strongIdentity: sha256("vector: strong identity"),
  weakIdentity: sha256("vector: weak identity"),
  evidence: sha256("vector: evidence"),
  logOrigin: sha256("vector: log origin"),
  headerHash,
  assurance: 2,
  predecessor: 0n,
  nonce: 0n,
  deadline: 4102444800n,
};

const type = `MintAuthorization(${members.map((member) => `${member.type} ${member.name}`).join(",")})`;
const structHash = hashStruct({ data: message, primaryType: "MintAuthorization", types });
const separator = domainSeparator({ domain });
const preimage = concat(["0x1901", separator, structHash]);

/** The signature on file where it still holds, else a new one; low-S either way. */
function signature() {
  if (existsSync(file)) {
    const old = JSON.parse(readFileSync(file, "utf8")).signature;
    const raw = bytesOf(old.r + old.s.slice(2));
    const isLow = BigInt(old.s) <= groupOrder / 2n;
    if (isLow && verify("sha256", bytesOf(preimage), { key: publicKey, dsaEncoding: "ieee-p1363" }, raw))
      return old;
  }
  const raw = sign("sha256", bytesOf(preimage), { key: privateKey, dsaEncoding: "ieee-p1363" });
  const s = BigInt(`0x${raw.subarray(32).toString("hex")}`);
  return { r: `0x${raw.subarray(0, 32).toString("hex")}`, s: word(s > groupOrder / 2n ? groupOrder - s : s) };
}

const signed = signature();
const vector = {
  description:
    "A device's authorization to mint its title. It signs `preimage` with ECDSA P-256 over SHA-256; s is low. The key is that of RFC 6979, A.2.5.",
  key: { privateKey: `0x${key.d}`, x: `0x${key.x}`, y: `0x${key.y}`, spki: `0x${spki.toString("hex")}` },
  domain,
  header: { ...header, declaredValue: header.declaredValue.toString() },
  type,
  message: { ...message, predecessor: "0", nonce: "0", deadline: message.deadline.toString() },
  typeHash: keccak256(stringToHex(type)),
  domainSeparator: separator,
  structHash,
  preimage,
  digest: sha256(bytesOf(preimage)),
  signature: signed,
  refusedSignature: {
    r: signed.r,
    s: word(groupOrder - BigInt(signed.s)),
    reason: "s above half the group order",
  },
};
writeFileSync(file, `${JSON.stringify(vector, null, 2)}\n`);
console.log("fixtures/vectors/mint-authorization.json written");
