import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HeadBody } from "../protocol/down/downMessage.js";
import { parseEnrolToken } from "../protocol/enrol/enrolToken.js";
import { secretHash } from "../protocol/enrol/secretHash.js";
import { presenceTopic } from "../protocol/topics.js";
import { badClient } from "../test/badinput/badClient.js";
import { enrolTestHost, type TestHost } from "../test/support/testHost.js";
import { busyTelemetry, testChain } from "../test/support/testReports.js";
import { createEnrolToken } from "./createEnrolToken.js";
import { createRegistry, type Registry } from "./createRegistry.js";
import { databasePath } from "./databasePath.js";
import { openDatabase } from "./store/openDatabase.js";
import { rebuild, tableDigests } from "./store/rebuild.js";

let data_dir: string;
let running: Registry | undefined;
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-registry-"));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  rmSync(data_dir, { recursive: true });
});
const open = (): Promise<Registry> =>
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
    tick_ms: 500,
    chain: null,
    log: pino({ level: "silent" }),
    now_ms: Date.now,
    onFatal(error) {
      throw error;
    },
  });
const start = async (): Promise<Registry> => {
  running = await open();
  return running;
};
const stop = async (): Promise<void> => {
  await running?.stop();
  running = undefined;
};
const token = (registry: Registry, valid_ms = 60_000): string =>
  createEnrolToken({
    data_dir,
    url: `https://localhost:${registry.enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: "test",
    valid_ms,
    now_ms: Date.now(),
  });
/** The host at the registry's port of now. */
const at = (host: TestHost, registry: Registry): TestHost => ({
  ...host,
  answer: { ...host.answer, mqtt_url: `mqtts://localhost:${registry.mqtt_port}` },
});
const heads = async (host: TestHost): Promise<HeadBody> => {
  const link = await badClient(host);
  const nonce = randomBytes(16).toString("hex");
  await link.client.publishAsync(presenceTopic(host.answer.host), JSON.stringify({ state: "online", nonce }));
  await link.until(() => link.heads.has(nonce));
  await link.client.endAsync(true);
  return link.heads.get(nonce)!;
};

describe("a registry", () => {
  it("tells a host its heads, signed, and goes on where it was after a restart", async () => {
    let registry = await start();
    const host = await enrolTestHost(token(registry), 2, "host");
    const [first, second] = host.devices.map(({ id }) => id);
    expect((await heads(host)).heads).toEqual([
      { device: first, head: null },
      { device: second, head: null },
    ]);
    const chain = testChain(host.devices[0]!, host.answer.host);
    const from_ms = Date.now();
    const report = async (n: number): Promise<number> => {
      const window = { start_ms: from_ms + n * 1000, end_ms: from_ms + (n + 1) * 1000 };
      const { bytes, statement } = chain.next("telemetry", busyTelemetry, window);
      const link = await badClient(at(host, registry));
      const answer = await link.send(first!, bytes, statement);
      await link.client.endAsync(true);
      return (answer as { kept: number }).kept;
    };
    const place = await report(0);
    await stop();
    registry = await start();
    const { seq, prev } = chain.at();
    expect((await heads(at(host, registry))).heads[0]).toEqual({
      device: first,
      head: { seq: seq - 1, statement: prev, window_end_ms: from_ms + 1000 },
    });
    expect(await report(1)).toBeGreaterThan(place);
  });

  it("leaves tables at its stop that a rebuild does not change, also after ticks alone", async () => {
    const registry = await start();
    await enrolTestHost(token(registry), 1, "host");
    await new Promise((resolve) => setTimeout(resolve, 1700));
    await stop();
    const db = openDatabase(databasePath(data_dir));
    const before = tableDigests(db);
    expect(rebuild(db).digests).toEqual(before);
    db.close();
  });

  it("has its data directory to itself", async () => {
    await start();
    await expect(open()).rejects.toMatchObject({ code: "REGISTRY_RUNNING" });
    await stop();
    await start();
  });

  it("puts the policy into the log once, and again when another one is in force", async () => {
    const policies = () => {
      const db = new Database(databasePath(data_dir), { readonly: true });
      const { n } = db.prepare("SELECT count(*) AS n FROM entry WHERE substr(bytes, 1, 1) = x'07'").get() as {
        n: number;
      };
      db.close();
      return n;
    };
    await start();
    await stop();
    await start();
    await stop();
    expect(policies()).toBe(1);
  });
});

describe("enrolment tokens", () => {
  it("are good once, and kept as a hash alone", async () => {
    const registry = await start();
    const text = token(registry);
    await enrolTestHost(text, 1, "first");
    await expect(enrolTestHost(text, 1, "second")).rejects.toThrow(/409 .*TOKEN_SPENT/);
    const db = new Database(databasePath(data_dir), { readonly: true });
    const { secret } = parseEnrolToken(text);
    expect(db.prepare("SELECT secret_sha256, used_ms FROM enrol_token").all()).toEqual([
      { secret_sha256: secretHash(secret), used_ms: expect.any(Number) },
    ]);
    expect(db.prepare("SELECT count(*) AS n FROM host").get()).toEqual({ n: 1 });
    db.close();
  });

  it("run out, and are not taken when nobody made them", async () => {
    const registry = await start();
    await expect(enrolTestHost(token(registry, -1), 1, "late")).rejects.toThrow(/410 .*TOKEN_EXPIRED/);
    const foreign = mkdtempSync(join(tmpdir(), "caliber-foreign-"));
    const made = createEnrolToken({
      data_dir: foreign,
      url: `https://localhost:${registry.enrol_port}`,
      recipient: `0x${"11".repeat(20)}`,
      operator: "test",
      valid_ms: 60_000,
      now_ms: Date.now(),
    });
    rmSync(foreign, { recursive: true });
    await expect(enrolTestHost(made, 1, "foreign")).rejects.toThrow(/401 .*TOKEN_UNKNOWN/);
  });

  it("are made for addresses only", () => {
    const options = { data_dir, url: "https://x", operator: "o", valid_ms: 1, now_ms: 0 };
    for (const recipient of ["", "0x12", `0x${"zz".repeat(20)}`]) {
      expect(() => createEnrolToken({ ...options, recipient })).toThrow(
        expect.objectContaining({ code: "RECIPIENT_INVALID" }),
      );
    }
  });
});
