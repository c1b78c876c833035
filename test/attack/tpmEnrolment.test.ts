import { createHash, createPublicKey, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { enrolHost } from "../../agent/enrol/enrolHost.js";
import { fileKeyStore } from "../../agent/keys/fileKeyStore.js";
import type { KeyStore, Residency } from "../../agent/keys/keyStore.js";
import { tpmKeyStore } from "../../agent/keys/tpmKeyStore.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import type { KeyBody } from "../../protocol/log/entryBodies.js";
import { attestationKeyOf } from "../../protocol/tpm/attestationKeyOf.js";
import { residencyQualification } from "../../protocol/tpm/residencyQualification.js";
import { verifyKeyResidency } from "../../protocol/tpm/verifyKeyResidency.js";
import { createApiTokens } from "../../registry/api/apiTokens.js";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";
import { databasePath } from "../../registry/databasePath.js";
import { openDatabase } from "../../registry/store/openDatabase.js";
import { akAttributes, forgeResidency, newKey, publicArea } from "../support/forgedTpm.js";
import { describeWithTpm, type Swtpm, startSwtpm } from "../support/swtpm.js";
import { type TpmMaker, tpmMaker } from "../support/tpmMaker.js";

const uuids = ["GPU-a", "GPU-b"];
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describeWithTpm("enrolment with keys in a TPM", () => {
  let home: string;
  let maker: TpmMaker;
  /** A TPM that the trusted maker certified, and one that nobody did. */
  let genuine: Swtpm;
  let nameless: Swtpm;
  let ekCertificate: Buffer;
  let data_dir: string;
  let registry: Registry;
  let stores = 0;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "caliber-tpm-makers-"));
    maker = tpmMaker(home);
    genuine = await startSwtpm();
    nameless = await startSwtpm();
    ekCertificate = maker.issue(genuine.ekPem("rsa"));
    genuine.installEkCertificate(ekCertificate);
  });
  afterAll(async () => {
    await Promise.all([genuine.stop(), nameless.stop()]);
    rmSync(home, { recursive: true });
  });
  beforeEach(async () => {
    data_dir = mkdtempSync(join(tmpdir(), "caliber-tpm-attack-"));
    registry = await start(maker.roots);
  });
  afterEach(async () => {
    await registry.stop();
    rmSync(data_dir, { recursive: true });
  });

  const start = (tpm_roots: string | undefined): Promise<Registry> =>
    createRegistry({
      data_dir,
      bind: "127.0.0.1",
      api_bind: "127.0.0.1",
      server_names: ["localhost", "127.0.0.1"],
      mqtt_port: 0,
      enrol_port: 0,
      api_port: 0,
      host_packets_per_s: 1000,
      policy: "standard",
      window_ms: 60_000,
      tpm_roots,
      tick_ms: 500,
      chain: null,
      log: pino({ level: "silent" }),
      now_ms: Date.now,
      onFatal(error) {
        throw error;
      },
    });
  const tokenFor = (...ek_sha256: string[]) =>
    parseEnrolToken(
      createEnrolToken({
        data_dir,
        url: `https://localhost:${registry.enrol_port}`,
        recipient: `0x${"11".repeat(20)}`,
        operator: "test",
        valid_ms: 60_000,
        ek_sha256,
        now_ms: Date.now(),
      }),
    );
  const storeIn = (tpm: Swtpm): KeyStore => {
    stores += 1;
    return tpmKeyStore(join(data_dir, `keys-${stores}`), tpm.tcti);
  };
  const filesStore = (): KeyStore => {
    stores += 1;
    return fileKeyStore(join(data_dir, `keys-${stores}`));
  };
  const enrol = (keys: KeyStore, token = tokenFor(), names = uuids) =>
    enrolHost({
      token,
      keys,
      store: { store: "tpm", tcti: "device:/dev/tpmrm0" },
      uuids: names,
      label: "rack-1",
      simulated: true,
      known: null,
    });
  /** A store that tells of its TPM what it likes. */
  const lying = (keys: KeyStore, lies: Partial<Residency>, truth = keys): KeyStore => ({
    ...keys,
    residency: { ...truth.residency!, ...lies },
  });
  const refused = async (keys: KeyStore, code: string, token = tokenFor()): Promise<Error> => {
    const error = await enrol(keys, token).then(
      () => null,
      (one: Error) => one,
    );
    expect(error).toMatchObject({ code });
    expect(await devices()).toEqual([]);
    return error!;
  };
  const devices = async (): Promise<DeviceView[]> => {
    const db = openDatabase(databasePath(data_dir));
    const bearer = createApiTokens(db).create(`test-${randomBytes(4).toString("hex")}`);
    db.close();
    const answer = await fetch(`http://127.0.0.1:${registry.api_port}/v1/devices`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    return ((await answer.json()) as { devices: DeviceView[] }).devices;
  };
  const enrolEntry = (): Extract<KeyBody, { type: "enrol" }> => {
    const db = openDatabase(databasePath(data_dir));
    const rows = db.prepare<[], { bytes: Buffer }>("SELECT bytes FROM entry ORDER BY idx").all();
    db.close();
    const entry = rows.map(({ bytes }) => decodeEntry(bytes)).find(({ kind }) => kind === "key");
    return (entry as unknown as { body: Extract<KeyBody, { type: "enrol" }> }).body;
  };

  it("takes keys in a TPM that a trusted maker certified, and the log shows how that is known", async () => {
    const keys = storeIn(genuine);
    const identity = await enrol(keys);
    expect((await devices()).map(({ assurance }) => assurance.key)).toEqual(["tpm", "tpm"]);
    expect(identity.keys.store).toBe("tpm");
    const entry = enrolEntry();
    const { trust, root_sha256, ek_certificate, ak, nonce, token } = entry.tpm!;
    expect({ trust, ek_certificate }).toEqual({
      trust: "certified",
      ek_certificate: ekCertificate.toString("base64"),
    });
    expect(root_sha256).toMatch(/^[0-9a-f]{64}$/);
    // What anyone with the entry can check again, years later.
    const qualification = residencyQualification(nonce, token, Buffer.from(entry.host_spki, "base64"));
    for (const { spki, tpm } of entry.devices) {
      const residency = {
        public: Buffer.from(tpm!.public, "base64"),
        attest: Buffer.from(tpm!.attest, "base64"),
        signature: Buffer.from(tpm!.signature, "base64"),
      };
      const expected = {
        ak: attestationKeyOf(Buffer.from(ak, "base64")),
        spki: Buffer.from(spki, "base64"),
        qualification,
      };
      expect(() => verifyKeyResidency(residency, expected)).not.toThrow();
    }
  });

  it("takes keys in the TPM that the token names, whoever made it", async () => {
    const keys = storeIn(nameless);
    const { ek_spki } = keys.residency!.endorsement();
    await enrol(keys, tokenFor(sha256(ek_spki)));
    expect((await devices()).map(({ assurance }) => assurance.key)).toEqual(["tpm", "tpm"]);
    expect(enrolEntry().tpm).toMatchObject({
      trust: "pinned",
      root_sha256: null,
      ek_sha256: sha256(ek_spki),
    });
  });

  it("calls keys in files what they are", async () => {
    await enrol(filesStore());
    expect((await devices()).map(({ assurance }) => assurance.key)).toEqual(["software", "software"]);
    expect(enrolEntry().tpm).toBeUndefined();
  });

  it("takes a TPM for no software key when nothing says which TPMs to trust", async () => {
    await registry.stop();
    registry = await start(undefined);
    const token = tokenFor();
    await refused(storeIn(genuine), "TPM_NOT_ACCEPTED", token);
    // The token is still good, for whoever says openly that the keys are files.
    await enrol(filesStore(), token);
  });

  it("refuses another TPM than the token names, also a certified one, and says which it saw", async () => {
    const error = await refused(storeIn(genuine), "EK_UNTRUSTED", tokenFor("ab".repeat(32)));
    expect(error.message).toContain(sha256(storeIn(genuine).residency!.endorsement().ek_spki));
  });

  it("refuses keys in files with a token that names a TPM", async () => {
    await refused(filesStore(), "TPM_REQUIRED", tokenFor("ab".repeat(32)));
  });

  it("refuses a TPM without a certificate, or with one that is not its own or for no endorsement key", async () => {
    await refused(storeIn(nameless), "EK_UNTRUSTED");
    const showing = (ek_certificate: Buffer, of = nameless): KeyStore => {
      const keys = storeIn(of);
      return lying(keys, { endorsement: () => ({ ...keys.residency!.endorsement(), ek_certificate }) });
    };
    await refused(showing(ekCertificate), "EK_CERTIFICATE_MISMATCH");
    await refused(
      showing(tpmMaker(home, "stranger").issue(nameless.ekPem("ecc"))),
      "EK_CERTIFICATE_UNTRUSTED",
    );
    await refused(
      showing(maker.issue(nameless.ekPem("ecc"), { usage: "clientAuth" })),
      "EK_CERTIFICATE_UNFIT",
    );
    await refused(showing(maker.issue(nameless.ekPem("ecc"), { days: -1 })), "EK_CERTIFICATE_EXPIRED");
    await refused(showing(Buffer.from("not a certificate")), "EK_MALFORMED");
  });

  it("refuses an endorsement key in software, though it unwraps the challenge", async () => {
    const keys = filesStore();
    keys.create(uuids);
    const [ek, ak] = [newKey(), newKey()];
    const ek_spki = createPublicKey(ek).export({ format: "der", type: "spki" });
    const forged: Residency = {
      endorsement: () => ({ ek_spki, ek_certificate: null, ak: publicArea(ak, akAttributes) }),
      activate: () => randomBytes(32),
      certify: (_uuid, qualification) => forgeResidency(ak, newKey(), qualification),
    };
    await refused({ ...keys, residency: forged }, "EK_UNTRUSTED");
  });

  it("refuses a software key that claims to be in a genuine TPM", async () => {
    const honest = storeIn(genuine);
    honest.create(uuids);
    // The TPM vouches for keys of its own; the devices sign with others.
    const error = await refused({ ...filesStore(), residency: honest.residency }, "TPM_RESIDENCY_INVALID");
    expect(error.message).toContain("TPM_KEY_MISMATCH");
  });

  it("refuses an attestation key in software: the genuine TPM unwraps nothing for it", async () => {
    const keys = storeIn(genuine);
    const ak = newKey();
    const own = keys.residency!.endorsement();
    const forged: Partial<Residency> = {
      endorsement: () => ({ ...own, ak: publicArea(ak, akAttributes) }),
      certify: (_uuid, qualification) => forgeResidency(ak, newKey(), qualification),
    };
    await refused(lying(keys, forged), "TPM_FAILED");
    await refused(lying(keys, { ...forged, activate: () => randomBytes(32) }), "TPM_ACTIVATION_FAILED");
  });

  it("refuses the attestation key of another TPM", async () => {
    const keys = storeIn(nameless);
    const other = keys.residency!;
    const borrowed = storeIn(genuine).residency!;
    const { ek_spki, ek_certificate } = borrowed.endorsement();
    const relay: Partial<Residency> = {
      endorsement: () => ({ ek_spki, ek_certificate, ak: other.endorsement().ak }),
      activate: (credential) => borrowed.activate(credential),
    };
    await refused(lying(keys, relay), "TPM_FAILED");
    await refused(lying(keys, { ...relay, activate: () => Buffer.alloc(32) }), "TPM_ACTIVATION_FAILED");
  });

  it("refuses a key of another TPM that the genuine one is made to speak for", async () => {
    const keys = storeIn(nameless);
    const genuineOne = storeIn(genuine).residency!;
    await refused(
      lying(keys, {
        ...genuineOne,
        // Signed by the other TPM's attestation key: the genuine one cannot be brought to name the key.
        certify: (uuid, qualification) => keys.residency!.certify(uuid, qualification),
      }),
      "TPM_RESIDENCY_INVALID",
    );
  });

  it("refuses a certificate from before", async () => {
    const keys = storeIn(genuine);
    keys.create(uuids);
    keys.residency!.endorsement();
    const old = new Map(uuids.map((uuid) => [uuid, keys.residency!.certify(uuid, randomBytes(32))]));
    const error = await refused(lying(keys, { certify: (uuid) => old.get(uuid)! }), "TPM_RESIDENCY_INVALID");
    expect(error.message).toContain("TPM_ATTEST_STALE");
  });

  it("leaves the token good after a refusal", async () => {
    const keys = storeIn(genuine);
    const token = tokenFor();
    const spoiled = lying(keys, {
      certify: (uuid, qualification) => ({
        ...keys.residency!.certify(uuid, qualification),
        signature: Buffer.alloc(64, 1),
      }),
    });
    await refused(spoiled, "TPM_RESIDENCY_INVALID", token);
    await enrol(keys, token);
    expect((await devices()).map(({ assurance }) => assurance.key)).toEqual(["tpm", "tpm"]);
  });
});
