import { createPublicKey, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/registry-keys.json" with { type: "json" };
import { publicKeyFromSpki } from "../crypto/spki.js";
import { openDown } from "../down/openDown.js";
import { openCheckpoint } from "../log/checkpoint.js";
import { decodeEntry, encodeJsonEntry } from "../log/entry.js";
import { leafHash } from "../merkle/leafHash.js";
import { followRegistryKey } from "./followRegistryKey.js";
import { type RegistryKeyChange, type RegistryKeyPurpose, registryKeyMessage } from "./registryKeyChange.js";

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const keyOf = (hex: string): KeyObject => createPublicKey({ key: bytes(hex), format: "der", type: "spki" });
const follow = (asked: { pinned: string; purpose: string; origin: string; changes: object[] }): string =>
  followRegistryKey(
    asked.pinned,
    asked.purpose as RegistryKeyPurpose,
    asked.origin,
    asked.changes as RegistryKeyChange[],
  );

describe("the vectors of the registry's keys", () => {
  it.each(vector.changes)(
    "$change.purpose key at $change.at_ms: what is signed, and what is logged",
    (one) => {
      const change = one.change as RegistryKeyChange;
      expect(registryKeyMessage(change).toString("hex")).toBe(one.message);
      const body = { type: "registry-key", at_ms: change.at_ms, change };
      expect(encodeJsonEntry("key", body).toString("hex")).toBe(one.entry);
      expect(decodeEntry(bytes(one.entry))).toEqual({ kind: "key", body });
      expect(leafHash(bytes(one.entry)).toString("hex")).toBe(one.leaf_hash);
    },
  );

  it.each(vector.follow)("lead on: $name", ({ to, ...asked }) => {
    expect(follow(asked)).toBe(to);
  });

  it.each(vector.refused)("lead nowhere: $name", ({ code, ...asked }) => {
    expect(() => follow(asked)).toThrow(expect.objectContaining({ code }));
  });

  it("reach a host by the key that it knows", () => {
    const { registry_spki, envelope, host, now_ms, message } = vector.down;
    const key = publicKeyFromSpki(bytes(registry_spki));
    expect(openDown(Buffer.from(envelope), key, { host, lastSeq: 41, now_ms })).toEqual(message);
    expect(message.body.change).toEqual(vector.changes[0]!.change);
  });

  it("sign a checkpoint together", () => {
    const { note, size, root, keys } = vector.checkpoint;
    for (const key of keys) {
      const opened = openCheckpoint(note, "caliber.example/log", keyOf(key));
      expect([opened.size, opened.root.toString("hex")]).toEqual([size, root]);
    }
  });
});
