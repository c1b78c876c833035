import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/checkpoint.json" with { type: "json" };
import { CaliberError } from "../errors.js";
import { rootOf } from "../merkle/rootOf.js";
import { checkpointVerifierKey, formatCheckpoint, openCheckpoint, signCheckpoint } from "./checkpoint.js";

const { origin } = vector;
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");
const publicKeyOf = (raw: Buffer): KeyObject =>
  createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: "der", type: "spki" });
const privateKey = createPrivateKey({
  key: Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.from(vector.key.seed, "hex"),
  ]),
  format: "der",
  type: "pkcs8",
});
const key = publicKeyOf(Buffer.from(vector.key.public, "hex"));
const rawOfVkey = (vkey: string) =>
  Buffer.from(vkey.slice(vkey.indexOf("+", vkey.indexOf("+") + 1) + 1), "base64").subarray(1);

describe("published notes", () => {
  it.each(vector.verifier_keys)("verifier key of $name", ({ name, vkey }) => {
    expect(checkpointVerifierKey(name, publicKeyOf(rawOfVkey(vkey)))).toBe(vkey);
  });

  it("a head of the Go checksum database has our body, under its own signature", () => {
    const { origin, size, root, vkey, signature } = vector.tree_head;
    const body = formatCheckpoint({ origin, size, root: Buffer.from(root, "base64") });
    const signed = Buffer.from(signature, "base64").subarray(4);
    expect(verify(null, Buffer.from(body), publicKeyOf(rawOfVkey(vkey)), signed)).toBe(true);
  });
});

describe("checkpoints", () => {
  it("name their key as the vector does", () => {
    expect(createPublicKey(privateKey).equals(key)).toBe(true);
    expect(checkpointVerifierKey(origin, key)).toBe(vector.key.vkey);
  });

  it("are signed byte for byte as in the vector: Ed25519 is deterministic", () => {
    const leaves = vector.leaf_hashes.map((leaf) => Buffer.from(leaf, "hex"));
    const note = signCheckpoint({ origin, size: leaves.length, root: rootOf(leaves) }, privateKey);
    expect(note).toBe(vector.accepted[0]!.note);
  });

  it.each(vector.accepted)("open: $name", ({ note, size, root }) => {
    expect(openCheckpoint(note, origin, key)).toEqual({ origin, size, root: Buffer.from(root, "hex") });
  });

  it.each(vector.refused)("refuse as $code: $name", ({ note, code }) => {
    expect(() => openCheckpoint(note, origin, key)).toThrow(expect.objectContaining({ code }));
  });

  it("open again with what was signed, for any size and root", () => {
    const root = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.maxSafeNat(), root, (size, bytes) => {
        const checkpoint = { origin, size, root: bytes };
        expect(openCheckpoint(signCheckpoint(checkpoint, privateKey), origin, key)).toEqual(checkpoint);
      }),
    );
  });

  it("tampered with at any place do not open as anything else", () => {
    const { note, size, root } = vector.accepted[0]!;
    const same = { origin, size, root: Buffer.from(root, "hex") };
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.string({ maxLength: 2 }), (at, text) => {
        const changed = note.slice(0, at) + text + note.slice(at + 1);
        try {
          expect(openCheckpoint(changed, origin, key)).toEqual(same);
        } catch (error) {
          expect(error).toBeInstanceOf(CaliberError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("do not open under another key or another origin", () => {
    const { note } = vector.accepted[0]!;
    const other = generateKeyPairSync("ed25519").publicKey;
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(() => openCheckpoint(note, origin, other)).toThrow(code("CHECKPOINT_SIGNATURE_INVALID"));
    expect(() => openCheckpoint(note, "caliber.example/other", key)).toThrow(code("CHECKPOINT_MALFORMED"));
  });
});
