import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { hostIdOf } from "../../protocol/enrol/hostIdOf.js";
import { signRegistryKeyChange } from "../../protocol/registryKey/signRegistryKeyChange.js";
import { createCa } from "../../registry/enrol/createCa.js";
import { type EnrolListener, enrolListener } from "../../registry/enrol/enrolListener.js";
import { enrolService } from "../../registry/enrol/enrolService.js";
import { issueClientCertificate } from "../../registry/enrol/issueClientCertificate.js";
import { issueServerCertificate } from "../../registry/enrol/issueServerCertificate.js";
import { type IdentityFile, identityFile } from "../enrol/identityFile.js";
import { fileKeyStore } from "../keys/fileKeyStore.js";
import { createRenewal } from "./createRenewal.js";

const recipient = `0x${"ab".repeat(20)}`;
const lifetime_ms = 3_600_000;
const log = pino({ level: "silent" });
let directory: string;
let listener: EnrolListener;
let file: IdentityFile;
let registryKey: KeyObject;
let offset_ms: number;
let given: string;
const now_ms = (): number => Date.now() + offset_ms;
const renewal = () =>
  createRenewal({ file, keys: fileKeyStore(join(directory, "keys")), now_ms, random: () => 0, log });

beforeEach(async () => {
  offset_ms = 0;
  given = recipient;
  directory = mkdtempSync(join(tmpdir(), "caliber-renewal-"));
  const keys = fileKeyStore(join(directory, "keys"));
  keys.create([]);
  const spki = spkiOf(keys.hostKey());
  const host = hostIdOf(spki);
  const ca = createCa({ commonName: "test", now_ms: Date.now() - 1000 });
  registryKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const registry_spki = spkiOf(registryKey).toString("base64");
  const terms = {
    registry_spki,
    mqtt_url: "mqtts://127.0.0.1:2",
    log_origin: "log.test/1",
    window_ms: 10_000,
  };
  const never = (): never => {
    throw new Error("not asked for here");
  };
  listener = await enrolListener({
    service: enrolService({
      store: {
        findToken: never,
        hasDevice: never,
        enrol: never,
        findHost: () => ({ host, spki, recipient: given, revoked: false }),
      },
      ca,
      terms,
      now_ms: Date.now,
    }),
    tls: issueServerCertificate(ca, ["127.0.0.1"], Date.now() - 1000),
    bind: "127.0.0.1",
    port: 0,
    log,
  });
  file = identityFile(directory);
  file.save({
    v: 1,
    host,
    certificate: issueClientCertificate(ca, { role: "host", id: host }, spki, {
      now_ms: Date.now(),
      lifetime_ms,
    }),
    ca: ca.certificate,
    ...terms,
    mqtt_url: "mqtts://127.0.0.1:1",
    recipient,
    enrol_url: `https://127.0.0.1:${listener.port}`,
    label: "test",
    simulated: true,
    keys: { store: "file" },
    devices: [],
  });
});
afterEach(async () => {
  await listener.close();
  rmSync(directory, { recursive: true });
});

describe("createRenewal", () => {
  it("is due at two thirds of the certificate's lifetime", () => {
    const { isDue, hasExpired } = renewal();
    expect([isDue(), hasExpired()]).toEqual([false, false]);
    offset_ms = (lifetime_ms * 2) / 3 + 2000;
    expect([isDue(), hasExpired()]).toEqual([true, false]);
    offset_ms = lifetime_ms + 2000;
    expect([isDue(), hasExpired()]).toEqual([true, true]);
  });

  it("keeps the new certificate, and where the registry now is", async () => {
    const before = file.load();
    const one = renewal();
    await one.renew();
    const after = file.load();
    expect(one.identity()).toEqual(after);
    expect(after.mqtt_url).toBe("mqtts://127.0.0.1:2");
    expect(after).toMatchObject({ enrol_url: before.enrol_url, label: "test", simulated: true });
    expect(new X509Certificate(after.certificate).serialNumber).not.toBe(
      new X509Certificate(before.certificate).serialNumber,
    );
  });

  it("asks once, however often it is called meanwhile", async () => {
    const one = renewal();
    const [a, b] = [one.renew(), one.renew()];
    expect(a).toBe(b);
    await a;
  });

  it("takes no other recipient and no other registry key than it enrolled with", async () => {
    const before = file.load();
    given = `0x${"ac".repeat(20)}`;
    await expect(renewal().renew()).rejects.toMatchObject({ code: "RENEWAL_CHANGES_TERMS" });
    given = recipient;
    const other = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
    file.save({ ...before, registry_spki: other.toString("base64") });
    await expect(renewal().renew()).rejects.toMatchObject({ code: "REGISTRY_KEY_MISMATCH" });
    expect(file.load().certificate).toBe(before.certificate);
  });
});

describe("the registry's next key", () => {
  const about = { purpose: "receipt", origin: "log.test/1", at_ms: 1, until_ms: 2 } as const;
  const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

  it("is kept on disk with the one before it, once", () => {
    const change = signRegistryKeyChange(about, registryKey, newKey());
    const held = renewal();
    expect(held.follow(change)).toBe(true);
    expect(held.follow(change)).toBe(false);
    const kept = { registry_spki: change.to_spki, registry_former: change.from_spki };
    expect(held.identity()).toMatchObject(kept);
    expect(file.load()).toMatchObject(kept);
  });

  it("is not taken from a stranger, of another log, or half signed", () => {
    const held = renewal();
    const before = file.load();
    expect(held.follow(signRegistryKeyChange(about, newKey(), newKey()))).toBe(false);
    const change = signRegistryKeyChange(about, registryKey, newKey());
    for (const forged of [
      signRegistryKeyChange({ ...about, origin: "log.test/2" }, registryKey, newKey()),
      { ...change, to_signature: change.from_signature },
      { ...change, until_ms: 3 },
    ]) {
      expect(() => held.follow(forged)).toThrow(
        expect.objectContaining({ code: "REGISTRY_KEY_CHANGE_INVALID" }),
      );
    }
    expect(file.load()).toEqual(before);
  });
});
