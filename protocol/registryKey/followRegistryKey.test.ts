import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { followRegistryKey } from "./followRegistryKey.js";
import type { RegistryKeyChange, RegistryKeyPurpose } from "./registryKeyChange.js";
import { signRegistryKeyChange } from "./signRegistryKeyChange.js";

const origin = "caliber.example/log";
const spki = (key: KeyObject) =>
  createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
const newKey = (purpose: RegistryKeyPurpose): KeyObject =>
  purpose === "log"
    ? generateKeyPairSync("ed25519").privateKey
    : generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const invalid = expect.objectContaining({ code: "REGISTRY_KEY_CHANGE_INVALID" });

describe.each(["receipt", "log"] as const)("following the registry's %s key", (purpose) => {
  const [first, second, third, foreign] = Array.from({ length: 4 }, () => newKey(purpose)) as [
    KeyObject,
    KeyObject,
    KeyObject,
    KeyObject,
  ];
  const about = { purpose, origin, at_ms: 1000, until_ms: 2000 };
  const one = signRegistryKeyChange(about, first, second);
  const two = signRegistryKeyChange({ ...about, at_ms: 3000, until_ms: 4000 }, second, third);
  const follow = (from: KeyObject, changes: readonly RegistryKeyChange[]) =>
    followRegistryKey(spki(from), purpose, origin, changes);

  it("leads from any key that held to the one that holds", () => {
    expect(follow(first, [one, two])).toBe(spki(third));
    expect(follow(second, [one, two])).toBe(spki(third));
    expect(follow(third, [one, two])).toBe(spki(third));
    expect(follow(first, [one])).toBe(spki(second));
    expect(follow(first, [])).toBe(spki(first));
  });

  it("leads nowhere from a key that handed nothing over", () => {
    expect(follow(foreign, [one, two])).toBe(spki(foreign));
    const taken = signRegistryKeyChange(about, foreign, third);
    expect(follow(first, [taken])).toBe(spki(first));
  });

  it.each([
    ["another next key", { to_spki: spki(foreign) }],
    ["another log", { origin: "caliber.example/other" }],
    ["another time", { at_ms: 1001 }],
    ["a longer overlap", { until_ms: 9000 }],
    ["a time that is no integer", { until_ms: 1.5 }],
    ["the old key's signature twice", { to_signature: one.from_signature }],
    ["no signature", { from_signature: "" }],
    ["another key's signature", { from_signature: two.from_signature }],
    ["a key of another kind", { to_spki: spki(newKey(purpose === "log" ? "receipt" : "log")) }],
    ["the next key in another base64", { to_spki: one.to_spki.replace(/=*$/, " ") }],
  ])("refuses %s", (_, over) => {
    expect(() => follow(first, [{ ...one, ...over }])).toThrow(invalid);
  });

  it("refuses a signature of the old key over a change that it did not make", () => {
    const forged = signRegistryKeyChange(about, foreign, third);
    expect(() => follow(first, [{ ...forged, from_spki: spki(first) }])).toThrow(invalid);
  });

  it("takes no change of another purpose", () => {
    const other = purpose === "log" ? "receipt" : "log";
    expect(follow(first, [{ ...one, purpose: other }])).toBe(spki(first));
  });
});
