import { createPublicKey, hash, randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renewIdentity } from "../../agent/enrol/renewIdentity.js";
import type { KeyStore } from "../../agent/keys/keyStore.js";
import { run as rebuildCommand } from "../../cli/commands/registry/rebuild.js";
import type { Io } from "../../cli/io.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { checkpointVerifierKey, openCheckpoint } from "../../protocol/log/checkpoint.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import { followRegistryKey } from "../../protocol/registryKey/followRegistryKey.js";
import type { RegistryKeyChange, RegistryKeyPurpose } from "../../protocol/registryKey/registryKeyChange.js";
import { presenceTopic } from "../../protocol/topics.js";
import { badClient } from "../../test/badinput/badClient.js";
import { enrolTestHost, type TestHost } from "../../test/support/testHost.js";
import { createApiTokens } from "../api/apiTokens.js";
import { createEnrolToken } from "../createEnrolToken.js";
import { createRegistry, type Registry } from "../createRegistry.js";
import { databasePath } from "../databasePath.js";
import { createEvidenceLog } from "../log/evidenceLog.js";
import { openDatabase } from "../store/openDatabase.js";
import { rebuild, tableDigests } from "../store/rebuild.js";
import { formerKeys } from "./formerKeys.js";
import { rotateRegistryKey } from "./rotateRegistryKey.js";

const day_ms = 86_400_000;
let data_dir: string;
let running: Registry | undefined;
let clock_ms = 0;
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-registry-key-"));
  clock_ms = 0;
});
const stop = async (): Promise<void> => {
  await running?.stop();
  running = undefined;
};
afterEach(async () => {
  await stop();
  rmSync(data_dir, { recursive: true });
});

const now_ms = (): number => Date.now() + clock_ms;
const start = async (): Promise<Registry> => {
  running = await createRegistry({
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
    tick_ms: 500,
    chain: null,
    log: pino({ level: "silent" }),
    now_ms,
    onFatal(error) {
      throw error;
    },
  });
  return running;
};
const enrolToken = ({ enrol_port }: Registry): string =>
  createEnrolToken({
    data_dir,
    url: `https://localhost:${enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: "test",
    valid_ms: 60_000,
    now_ms: Date.now(),
  });
const rotate = (purpose: RegistryKeyPurpose, overlap_ms = day_ms): RegistryKeyChange =>
  rotateRegistryKey({ data_dir, purpose, overlap_ms, now_ms });

/** Connects as the host would, asks for the head, and gives the key that it trusts in the end. */
async function greet(host: TestHost, { mqtt_port }: Registry): Promise<string> {
  const at = { ...host, answer: { ...host.answer, mqtt_url: `mqtts://localhost:${mqtt_port}` } };
  const link = await badClient(at);
  const nonce = randomBytes(16).toString("hex");
  await link.client.publishAsync(presenceTopic(host.answer.host), JSON.stringify({ state: "online", nonce }));
  await link.until(() => link.heads.has(nonce));
  await link.client.endAsync(true);
  return link.registrySpki();
}
async function ask(registry: Registry, path: string): Promise<string> {
  const db = openDatabase(databasePath(data_dir));
  const token = createApiTokens(db).create(randomBytes(4).toString("hex"));
  db.close();
  const url = `http://127.0.0.1:${registry.api_port}${path}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return response.text();
}
const sha256 = (spki: string): string => hash("sha256", Buffer.from(spki, "base64"), "hex");
const keyOf = (spki: string) =>
  createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });

describe("rotating the receipt key", { timeout: 60_000 }, () => {
  it("hosts that know the old key learn the next by connecting, and by renewing", async () => {
    const first = await start();
    const host = await enrolTestHost(enrolToken(first), 1, "before");
    const old = host.answer.registry_spki;
    await stop();
    const changes = [rotate("receipt"), rotate("receipt")];
    expect(changes[0]).toMatchObject({ purpose: "receipt", from_spki: old });
    const now = changes[1]!.to_spki;

    const second = await start();
    expect(await greet(host, second)).toBe(now);
    const keys = { hostKey: () => host.key } as unknown as KeyStore;
    const pins = { keys, ca: host.answer.ca, registry_sha256: sha256(old) };
    const renewed = await renewIdentity({ url: `https://localhost:${second.enrol_port}`, ...pins });
    expect(renewed.registry_spki).toBe(now);
    await expect(
      renewIdentity({
        url: `https://localhost:${second.enrol_port}`,
        ...pins,
        registry_sha256: "00".repeat(32),
      }),
    ).rejects.toMatchObject({ code: "REGISTRY_KEY_MISMATCH" });
    const fresh = await enrolTestHost(enrolToken(second), 1, "after");
    expect(fresh.answer.registry_spki).toBe(now);
    const told = JSON.parse(await ask(second, "/v1/keys"));
    expect(told).toMatchObject({ registry_spki: now, changes });
    expect(followRegistryKey(old, "receipt", host.answer.log_origin, told.changes)).toBe(now);
  });

  it("after the overlap the old key says nothing any more; renewal still leads on", async () => {
    const first = await start();
    const host = await enrolTestHost(enrolToken(first), 1, "away");
    await stop();
    const change = rotate("receipt");
    const { to_spki, until_ms } = change;
    let at_ms = until_ms - 1;
    const former = formerKeys(join(data_dir, "keys"), [change], () => at_ms);
    expect(former("receipt").map(({ key }) => spkiOf(key).toString("base64"))).toEqual([change.from_spki]);
    expect(former("log")).toEqual([]);
    at_ms = until_ms;
    expect(former("receipt")).toEqual([]);
    const third = await start();
    const keys = { hostKey: () => host.key } as unknown as KeyStore;
    const { ca, registry_spki } = host.answer;
    const url = `https://localhost:${third.enrol_port}`;
    const renewed = await renewIdentity({ url, keys, ca, registry_sha256: sha256(registry_spki) });
    expect(renewed.registry_spki).toBe(to_spki);
  });

  it("is in the log, and the log folds to the same tables again", async () => {
    await start();
    await stop();
    const change = rotate("receipt");
    const db = openDatabase(databasePath(data_dir));
    const log = createEvidenceLog(db);
    const entries = Array.from({ length: log.size() }, (_, idx) => decodeEntry(log.read(idx)!));
    expect(entries).toContainEqual({
      kind: "key",
      body: { type: "registry-key", at_ms: change.at_ms, change },
    });
    const before = tableDigests(db);
    rebuild(db);
    expect(tableDigests(db)).toEqual(before);
    db.close();
  });

  it("outlives the loss of all that is derived: hosts are led on as before", async () => {
    const first = await start();
    const host = await enrolTestHost(enrolToken(first), 1, "before");
    await stop();
    const changes = [rotate("log"), rotate("receipt"), rotate("receipt")];
    const db = openDatabase(databasePath(data_dir));
    db.exec("DELETE FROM registry_key");
    db.close();
    const io: Io = { out: () => undefined, err: () => undefined };
    expect(await rebuildCommand(["--data-dir", data_dir, "--check"], io)).toBe(1);
    expect(await rebuildCommand(["--data-dir", data_dir, "--check"], io)).toBe(0);
    const second = await start();
    expect(JSON.parse(await ask(second, "/v1/keys")).changes).toEqual(changes);
    expect(await greet(host, second)).toBe(changes[2]!.to_spki);
  });

  it("that the tables have not taken in yet, since all was cut short, is not lost on the next start", async () => {
    await start();
    await stop();
    const db = openDatabase(databasePath(data_dir));
    const derived = db.prepare<[], { key: string; value: string }>("SELECT * FROM fold_state").all();
    const change = rotate("receipt");
    // As it stood between the commit of the log and that of the tables.
    db.exec("DELETE FROM registry_key");
    for (const { key, value } of derived)
      db.prepare("UPDATE fold_state SET value = ? WHERE key = ?").run(value, key);
    db.close();
    expect(JSON.parse(await ask(await start(), "/v1/keys")).changes).toEqual([change]);
  });
});

describe("rotating the log key", { timeout: 60_000 }, () => {
  it("checkpoints are signed by both keys until the overlap ends, then by the next alone", async () => {
    const first = await start();
    const { log_vkey } = JSON.parse(await ask(first, "/v1/keys"));
    await stop();
    const { from_spki, to_spki, origin } = rotate("log");
    const [old, next] = [keyOf(from_spki), keyOf(to_spki)];
    expect(checkpointVerifierKey(origin, old)).toBe(log_vkey);
    const second = await start();
    const both = await ask(second, "/v1/checkpoint");
    expect(openCheckpoint(both, origin, old)).toEqual(openCheckpoint(both, origin, next));
    expect(JSON.parse(await ask(second, "/v1/keys")).log_vkey).toBe(checkpointVerifierKey(origin, next));
    await stop();
    clock_ms = day_ms + 60_000;
    const alone = await ask(await start(), "/v1/checkpoint");
    expect(openCheckpoint(alone, origin, next).size).toBeGreaterThan(openCheckpoint(both, origin, next).size);
    expect(() => openCheckpoint(alone, origin, old)).toThrow(
      expect.objectContaining({ code: "CHECKPOINT_SIGNATURE_INVALID" }),
    );
  });
});

describe("a rotation", { timeout: 60_000 }, () => {
  const keys = (name: string): string => join(data_dir, "keys", name);

  it("is refused beside a running registry, and where there is none", async () => {
    await start();
    expect(() => rotate("log")).toThrow(expect.objectContaining({ code: "REGISTRY_RUNNING" }));
    await stop();
    rmSync(keys("log.key"));
    expect(() => rotate("log")).toThrow(expect.objectContaining({ code: "REGISTRY_NOT_MADE" }));
  });

  it("keeps the old key for its owner alone, and leaves nothing half done", async () => {
    await start();
    await stop();
    const { from_spki } = rotate("receipt");
    const former = `receipt.${sha256(from_spki).slice(0, 16)}.key`;
    expect(readdirSync(join(data_dir, "keys")).sort()).toEqual(["log.key", former, "receipt.key"].sort());
    for (const name of [former, "receipt.key"]) expect(statSync(keys(name)).mode & 0o777).toBe(0o600);
  });

  it("that was cut short after the log is not started upon, and is finished by the next call", async () => {
    await start();
    await stop();
    const change = rotate("receipt");
    const former = keys(`receipt.${sha256(change.from_spki).slice(0, 16)}.key`);
    // As it stood before the files changed their names.
    renameSync(keys("receipt.key"), keys("receipt.next.key"));
    linkSync(former, keys("receipt.key"));
    rmSync(former);
    await expect(start()).rejects.toMatchObject({ code: "REGISTRY_KEY_OUTDATED" });
    expect(rotate("receipt")).toEqual(change);
    expect(existsSync(former)).toBe(true);
    await start();
  });

  it("a registry whose key is gone is not started upon another", async () => {
    await start();
    await stop();
    for (const name of ["receipt.key", "log.key", "../ca/ca.pem"]) {
      renameSync(keys(name), join(data_dir, "elsewhere"));
      await expect(start()).rejects.toMatchObject({ code: "REGISTRY_KEY_MISSING" });
      expect(existsSync(keys(name))).toBe(false);
      renameSync(join(data_dir, "elsewhere"), keys(name));
    }
    await start();
  });

  it("from an older key, brought back from a copy, is refused", async () => {
    await start();
    await stop();
    const { from_spki } = rotate("log");
    renameSync(keys(`log.${sha256(from_spki).slice(0, 16)}.key`), keys("log.key"));
    expect(() => rotate("log")).toThrow(expect.objectContaining({ code: "REGISTRY_KEY_OUTDATED" }));
    await expect(start()).rejects.toMatchObject({ code: "REGISTRY_KEY_OUTDATED" });
  });
});
