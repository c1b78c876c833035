import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { attestationKeyOf } from "../../protocol/tpm/attestationKeyOf.js";
import { makeCredential } from "../../protocol/tpm/makeCredential.js";
import { verifyKeyResidency } from "../../protocol/tpm/verifyKeyResidency.js";
import { describeWithTpm, type Swtpm, startSwtpm } from "../../test/support/swtpm.js";
import { tpmMaker } from "../../test/support/tpmMaker.js";
import { tpmKeyStore } from "./tpmKeyStore.js";

const uuid = "GPU-11111111-2222-3333-4444-555555555555";
const coded = (code: string) => expect.objectContaining({ code });

describeWithTpm("tpmKeyStore", () => {
  let tpm: Swtpm;
  let root: string;
  let keys: string;
  beforeAll(async () => {
    tpm = await startSwtpm();
  });
  afterAll(() => tpm.stop());
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "caliber-tpm-keys-"));
    keys = join(root, "keys");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("makes a key a GPU in the TPM, keeps it wrapped and private to its owner, and signs with it", () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    store.create([uuid, "../../etc/passwd"]);
    expect(readdirSync(root)).toEqual(["keys"]);
    const names = readdirSync(keys).filter((name) => name !== "tpm");
    expect(names.filter((name) => /^device-[0-9a-f]{40}\.tpm$/.test(name))).toHaveLength(2);
    for (const name of names) expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600);
    const key = store.deviceKey(uuid);
    expect(store.deviceKey("../../etc/passwd").id).not.toBe(key.id);
    // Half the signatures of a TPM have a high S.
    for (let i = 0; i < 8; i += 1) {
      const message = randomBytes(100);
      const signature = key.sign(message);
      expect(() => verifyEs256(message, signature, publicKeyFromSpki(key.spki))).not.toThrow();
    }
    expect(statSync(join(keys, "tpm")).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(keys, "tpm"))) {
      expect(statSync(join(keys, "tpm", name)).mode & 0o077).toBe(0);
    }
  });

  it("finds its keys again and never replaces one", () => {
    tpmKeyStore(keys, tpm.tcti).create([uuid]);
    const again = tpmKeyStore(keys, tpm.tcti);
    const { id } = again.deviceKey(uuid);
    again.create([uuid]);
    expect(again.deviceKey(uuid).id).toBe(id);
    expect(again.deviceKey(uuid).sign(Buffer.from("m"))).toHaveLength(64);
  });

  it("goes on after a reset of the TPM under it", async () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    store.create([uuid]);
    const key = store.deviceKey(uuid);
    key.sign(Buffer.from("before"));
    await tpm.reset();
    expect(key.sign(Buffer.from("after"))).toHaveLength(64);
  });

  it("goes on in a TPM that is in lockout", async () => {
    const own = await startSwtpm();
    try {
      const store = tpmKeyStore(keys, own.tcti);
      store.create([uuid]);
      own.tool("dictionarylockout", ["-s", "-n", "1", "-t", "1000", "-l", "1000"]);
      const guarded = join(root, "guarded.ctx");
      own.tool("createprimary", ["-C", "o", "-G", "ecc256", "-p", "secret", "-c", guarded]);
      expect(() => own.tool("create", ["-C", guarded, "-P", "guess", "-G", "ecc256"])).toThrow();
      expect(own.tool("getcap", ["properties-variable"])).toMatch(/inLockout: +1/);
      expect(store.deviceKey(uuid).sign(Buffer.from("m"))).toHaveLength(64);
      expect(store.createSuccessor(uuid).sign(Buffer.from("m"))).toHaveLength(64);
    } finally {
      await own.stop();
    }
  });

  it("is of no use in another TPM", async () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    store.create([uuid]);
    cpSync(keys, join(root, "stolen"), { recursive: true });
    const other = await startSwtpm();
    try {
      const stolen = tpmKeyStore(join(root, "stolen"), other.tcti);
      expect(stolen.deviceKey(uuid).id).toBe(store.deviceKey(uuid).id);
      expect(() => stolen.deviceKey(uuid).sign(Buffer.from("m"))).toThrow(coded("TPM_FAILED"));
    } finally {
      await other.stop();
    }
  });

  it("refuses a key that others may read, tells a missing from a broken one, and destroys all", () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    expect(() => store.deviceKey(uuid)).toThrow(coded("KEY_MISSING"));
    store.create([uuid]);
    const path = join(keys, readdirSync(keys).find((name) => name.startsWith("device-"))!);
    chmodSync(path, 0o640);
    expect(() => store.deviceKey(uuid)).toThrow(coded("KEY_FILE_PERMISSIONS"));
    chmodSync(path, 0o600);
    expect(readFileSync(path, "utf8")).not.toContain("PRIVATE KEY");
    store.destroy();
    expect(readdirSync(keys)).toEqual([]);
  });

  it("activates what is wrapped for its P-256 endorsement key and its attestation key alone", () => {
    const { endorsement, activate } = tpmKeyStore(keys, tpm.tcti).residency!;
    const { ek_spki, ek_certificate, ak } = endorsement();
    expect(ek_certificate).toBeNull();
    const ek = createPublicKey({ key: ek_spki, format: "der", type: "spki" });
    const secret = randomBytes(32);
    const { name } = attestationKeyOf(ak);
    expect(activate(makeCredential(ek, name, secret))).toEqual(secret);
    expect(() => activate(makeCredential(ek, Buffer.alloc(34, 1), secret))).toThrow(coded("TPM_FAILED"));
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    expect(() => activate(makeCredential(stranger, name, secret))).toThrow(coded("TPM_FAILED"));
  });

  it("takes the RSA endorsement key where the maker certified it", async () => {
    const certified = await startSwtpm();
    try {
      const der = tpmMaker(root).issue(certified.ekPem("rsa"));
      certified.installEkCertificate(der);
      const { endorsement, activate } = tpmKeyStore(keys, certified.tcti).residency!;
      const { ek_spki, ek_certificate, ak } = endorsement();
      expect(ek_certificate).toEqual(der);
      const secret = randomBytes(32);
      const ek = createPublicKey({ key: ek_spki, format: "der", type: "spki" });
      expect(ek.asymmetricKeyType).toBe("rsa");
      expect(activate(makeCredential(ek, attestationKeyOf(ak).name, secret))).toEqual(secret);
    } finally {
      await certified.stop();
    }
  });

  it("certifies its keys", () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    store.create([uuid]);
    const ak = attestationKeyOf(store.residency!.endorsement().ak);
    const qualification = randomBytes(32);
    const { spki } = store.deviceKey(uuid);
    const residency = store.residency!.certify(uuid, qualification);
    expect(() => verifyKeyResidency(residency, { ak, spki, qualification })).not.toThrow();
    expect(() => verifyKeyResidency(residency, { ak, spki, qualification: randomBytes(32) })).toThrow(
      coded("TPM_ATTEST_STALE"),
    );
  });

  it("makes a successor beside the present key, finds both again, and certifies it, also after a reset", async () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    store.create([uuid, "GPU-other"]);
    const first = store.deviceKey(uuid);
    const ak = attestationKeyOf(store.residency!.endorsement().ak);
    const { id, spki } = store.createSuccessor(uuid);
    expect(id).not.toBe(first.id);
    const again = tpmKeyStore(keys, tpm.tcti);
    expect(again.deviceKey(uuid).id).toBe(first.id);
    expect(again.deviceKey(uuid, first.id).id).toBe(first.id);
    const next = again.deviceKey(uuid, id);
    expect(next).toMatchObject({ id, spki, inTpm: true });
    for (let round = 0; round < 2; round += 1) {
      for (const key of [first, next]) {
        const signature = key.sign(Buffer.from("m"));
        expect(() => verifyEs256(Buffer.from("m"), signature, publicKeyFromSpki(key.spki))).not.toThrow();
      }
      const qualification = randomBytes(32);
      expect(() =>
        verifyKeyResidency(next.certify!(qualification), { ak, spki, qualification }),
      ).not.toThrow();
      await tpm.reset();
    }
    expect(again.createSuccessor(uuid).sign(Buffer.from("m"))).toHaveLength(64);
    again.discard(uuid);
    expect(readdirSync(keys).filter((name) => name.startsWith("device-"))).toHaveLength(1);
    expect(() => again.deviceKey(uuid, id)).toThrow(coded("KEY_MISSING"));
    expect(again.deviceKey("GPU-other").sign(Buffer.from("m"))).toHaveLength(64);
  });

  it("discards the keys before the one in force, and that one never", () => {
    const store = tpmKeyStore(keys, tpm.tcti);
    store.create([uuid, "GPU-other"]);
    const first = store.deviceKey(uuid).id;
    store.discardFormer(uuid, first);
    expect(store.deviceKey(uuid, first).id).toBe(first);
    const next = store.createSuccessor(uuid).id;
    const last = store.createSuccessor(uuid).id;
    for (const _again of [0, 1]) store.discardFormer(uuid, last);
    expect(store.deviceKey(uuid, last).sign(Buffer.from("m"))).toHaveLength(64);
    for (const gone of [first, next]) expect(() => store.deviceKey(uuid, gone)).toThrow(coded("KEY_MISSING"));
    expect(store.deviceKey("GPU-other").sign(Buffer.from("m"))).toHaveLength(64);
    expect(readdirSync(keys).filter((name) => name.startsWith("device-"))).toHaveLength(2);
  });

  it("says what is wrong with its TPM", () => {
    expect(() => tpmKeyStore(keys, "cmd:rm -rf /")).toThrow(coded("TCTI_INVALID"));
    const absent = tpmKeyStore(keys, "device:/dev/no-such-tpm");
    expect(() => absent.create([uuid])).toThrow(coded("TPM_FAILED"));
  });
});
