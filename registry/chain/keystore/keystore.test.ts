import { describe, expect, it } from "vitest";
import { type Keystore, parseKeystore } from "./keystore.js";
import { openKeystore } from "./openKeystore.js";
import { sealKeystore } from "./sealKeystore.js";

/** The scrypt vector of the Web3 Secret Storage definition. */
const published: Keystore = {
  version: 3,
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "83dbcc02d8ccb40e466191a123791e0e" },
    ciphertext: "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    kdf: "scrypt",
    kdfparams: {
      dklen: 32,
      n: 262144,
      r: 1,
      p: 8,
      salt: "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
    },
    mac: "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
  },
};
const secret = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
/** Cheap, for all that is not about the cost. */
const n = 1024;

describe("a keystore", () => {
  it("is opened as the published vector says", async () => {
    expect(await openKeystore(parseKeystore(JSON.stringify(published)), "testpassword")).toBe(secret);
  });

  it("is not opened by another password, nor after a bit of it changed", async () => {
    const sealed = await sealKeystore(secret, "right", n);
    await expect(openKeystore(sealed, "wrong")).rejects.toMatchObject({ code: "KEYSTORE_PASSWORD_WRONG" });
    const { crypto } = sealed;
    const flipped = `${crypto.ciphertext.slice(0, -1)}${crypto.ciphertext.endsWith("0") ? "1" : "0"}`;
    const changed = { ...sealed, crypto: { ...crypto, ciphertext: flipped } };
    await expect(openKeystore(changed, "right")).rejects.toMatchObject({ code: "KEYSTORE_PASSWORD_WRONG" });
  });

  it("made here is opened again, twice sealed differently, and holds no plain key", async () => {
    const [one, two] = [await sealKeystore(secret, "päss", n), await sealKeystore(secret, "päss", n)];
    const text = JSON.stringify(one);
    expect(await openKeystore(parseKeystore(text), "päss")).toBe(secret);
    expect(one.crypto.ciphertext).not.toBe(two.crypto.ciphertext);
    expect(text).not.toContain(secret.slice(2));
  });

  it("whose address is another key's is refused", async () => {
    const sealed = { ...(await sealKeystore(secret, "p", n)), address: "00".repeat(20) };
    await expect(openKeystore(sealed, "p")).rejects.toMatchObject({ code: "KEYSTORE_MALFORMED" });
  });

  const withKdf = (change: object) => ({
    ...published,
    crypto: { ...published.crypto, kdfparams: { ...published.crypto.kdfparams, ...change } },
  });
  it.each([
    ["KEYSTORE_MALFORMED", "{"],
    ["KEYSTORE_MALFORMED", "null"],
    ["KEYSTORE_MALFORMED", JSON.stringify({ version: 3 })],
    ["KEYSTORE_UNSUPPORTED", JSON.stringify({ ...published, version: 1 })],
    [
      "KEYSTORE_UNSUPPORTED",
      JSON.stringify({ ...published, crypto: { ...published.crypto, kdf: "pbkdf2" } }),
    ],
    ["KEYSTORE_MALFORMED", JSON.stringify({ ...published, crypto: { ...published.crypto, mac: "00" } })],
    ["KEYSTORE_MALFORMED", JSON.stringify(withKdf({ n: 2 ** 18, r: 32 }))],
    ["KEYSTORE_MALFORMED", JSON.stringify(withKdf({ n: 3 }))],
    ["KEYSTORE_MALFORMED", JSON.stringify(withKdf({ salt: "" }))],
    ["KEYSTORE_MALFORMED", JSON.stringify(withKdf({ p: "1" }))],
  ])("is refused with %s: %s", (code, text) => {
    expect(() => parseKeystore(text)).toThrow(expect.objectContaining({ code }));
  });
});
