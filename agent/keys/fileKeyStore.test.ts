import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publicKeyFromSpki, spkiOf } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { fileKeyStore } from "./fileKeyStore.js";

const uuid = "GPU-11111111-2222-3333-4444-555555555555";
let root: string;
let keys: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "caliber-keys-"));
  keys = join(root, "keys");
});
afterEach(() => rmSync(root, { recursive: true }));

const code = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error("nothing was thrown");
};

describe("fileKeyStore", () => {
  it("makes one P-256 key a GPU, private to its owner, and signs with it", () => {
    const store = fileKeyStore(keys);
    store.create([uuid, "GPU-b"]);
    expect(statSync(keys).mode & 0o777).toBe(0o700);
    const names = readdirSync(keys);
    expect(names).toHaveLength(3);
    for (const name of names) expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600);
    const key = store.deviceKey(uuid);
    expect(key.id).not.toBe(store.deviceKey("GPU-b").id);
    const message = Buffer.from("message");
    expect(() => verifyEs256(message, key.sign(message), publicKeyFromSpki(key.spki))).not.toThrow();
    expect(spkiOf(store.hostKey())).toHaveLength(91);
  });

  it("never replaces a key that is there", () => {
    const store = fileKeyStore(keys);
    store.create([uuid]);
    const before = store.deviceKey(uuid).id;
    store.create([uuid]);
    expect(fileKeyStore(keys).deviceKey(uuid).id).toBe(before);
  });

  it("files a successor beside the key that it follows, until both are discarded", () => {
    const store = fileKeyStore(keys);
    store.create([uuid, "GPU-b"]);
    const old = store.deviceKey(uuid).id;
    const next = store.createSuccessor(uuid);
    const again = fileKeyStore(keys);
    expect(again.deviceKey(uuid).id).toBe(old);
    expect(again.deviceKey(uuid, next.id).id).toBe(next.id);
    expect(again.deviceKey(uuid, old).id).toBe(old);
    expect(statSync(join(keys, readdirSync(keys).find((name) => name.includes(next.id))!)).mode & 0o777).toBe(
      0o600,
    );
    again.discard(uuid);
    again.discard(uuid);
    expect(code(() => again.deviceKey(uuid, next.id))).toBe("KEY_MISSING");
    expect(again.deviceKey("GPU-b").id).toBe(store.deviceKey("GPU-b").id);
  });

  it("discards the keys before the one in force, and that one never", () => {
    const store = fileKeyStore(keys);
    store.create([uuid, "GPU-b"]);
    const first = store.deviceKey(uuid).id;
    store.discardFormer(uuid, first);
    expect(store.deviceKey(uuid, first).id).toBe(first);
    const next = store.createSuccessor(uuid).id;
    const last = store.createSuccessor(uuid).id;
    for (const _again of [0, 1]) store.discardFormer(uuid, last);
    expect(store.deviceKey(uuid, last).id).toBe(last);
    for (const gone of [first, next]) expect(code(() => store.deviceKey(uuid, gone))).toBe("KEY_MISSING");
    expect(store.deviceKey("GPU-b").id).toMatch(/^[0-9a-f]{64}$/);
    expect(readdirSync(keys)).toHaveLength(3);
  });

  it("files a GPU under a name that its UUID cannot steer", () => {
    fileKeyStore(keys).create(["../../../etc/passwd", "a/b\0c"]);
    expect(readdirSync(root)).toEqual(["keys"]);
    expect(readdirSync(keys).every((name) => /^(host|device-[0-9a-f]{40})\.pem$/.test(name))).toBe(true);
  });

  it("refuses keys and directories that others may read", () => {
    const store = fileKeyStore(keys);
    store.create([uuid]);
    chmodSync(join(keys, "host.pem"), 0o640);
    expect(code(() => store.hostKey())).toBe("KEY_FILE_PERMISSIONS");
    chmodSync(keys, 0o750);
    expect(code(() => fileKeyStore(keys))).toBe("KEY_FILE_PERMISSIONS");
  });

  it("tells a missing key from a broken one, and quotes neither", () => {
    const store = fileKeyStore(keys);
    expect(code(() => store.hostKey())).toBe("KEY_MISSING");
    store.create([]);
    const pem = readFileSync(join(keys, "host.pem"), "utf8");
    writeFileSync(join(keys, "host.pem"), pem.replace("BEGIN", "BEGUN"));
    expect(code(() => store.hostKey())).toBe("KEY_MALFORMED");
    expect(() => store.hostKey()).not.toThrow(pem.slice(40, 60));
  });

  it("destroys every key", () => {
    const store = fileKeyStore(keys);
    store.create([uuid]);
    store.destroy();
    expect(readdirSync(keys)).toEqual([]);
    expect(code(() => store.deviceKey(uuid))).toBe("KEY_MISSING");
  });
});
