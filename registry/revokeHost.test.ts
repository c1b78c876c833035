import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { badClient } from "../test/badinput/badClient.js";
import { enrolTestHost, type TestHost } from "../test/support/testHost.js";
import { createEnrolToken } from "./createEnrolToken.js";
import { createRegistry, type Registry } from "./createRegistry.js";
import { databasePath } from "./databasePath.js";
import { revokeHost } from "./revokeHost.js";
import { openDatabase } from "./store/openDatabase.js";
import { rebuild, tableDigests } from "./store/rebuild.js";

let data_dir: string;
let registry: Registry | null = null;

const start = async (): Promise<Registry> =>
  createRegistry({
    data_dir,
    bind: "127.0.0.1",
    api_bind: "127.0.0.1",
    server_names: ["localhost"],
    mqtt_port: 0,
    enrol_port: 0,
    api_port: 0,
    host_packets_per_s: 100,
    policy: "standard",
    window_ms: 60_000,
    tick_ms: 15_000,
    chain: null,
    log: pino({ level: "silent" }),
    now_ms: Date.now,
    onFatal(error) {
      throw error;
    },
  });

beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-revoke-"));
});
afterEach(async () => {
  await registry?.stop();
  registry = null;
  rmSync(data_dir, { recursive: true });
});

const enrol = ({ enrol_port }: Registry): Promise<TestHost> =>
  enrolTestHost(
    createEnrolToken({
      data_dir,
      url: `https://localhost:${enrol_port}`,
      recipient: `0x${"22".repeat(20)}`,
      operator: "test",
      valid_ms: 60_000,
      now_ms: Date.now(),
    }),
    1,
    "revoked-host",
  );
const coded = (code: string) => expect.objectContaining({ code });
const orderFor = (host: string) => ({ data_dir, host, reason: "sold", now_ms: Date.now });
const survivesRebuild = (host: string): void => {
  const db = openDatabase(databasePath(data_dir));
  expect(db.prepare("SELECT revoked FROM host WHERE host = ?").get(host)).toEqual({ revoked: 1 });
  const before = tableDigests(db);
  expect(rebuild(db).digests).toEqual(before);
  db.close();
};

it("revokes a host in the log of a stopped registry, once, and survives a rebuild", async () => {
  registry = await start();
  const { host } = (await enrol(registry)).answer;
  await registry.stop();
  registry = null;
  await expect(revokeHost(orderFor("h-0"))).rejects.toEqual(coded("HOST_UNKNOWN"));
  await revokeHost(orderFor(host));
  await expect(revokeHost(orderFor(host))).rejects.toEqual(coded("HOST_REVOKED"));
  survivesRebuild(host);
});

it("cuts a host off while the registry runs, and for good", async () => {
  registry = await start();
  const one = await enrol(registry);
  const two = await enrol(registry);
  const [link, other] = [await badClient(one), await badClient(two)];
  const cut = new Promise<void>((resolve) => link.client.once("close", () => resolve()));
  await expect(revokeHost(orderFor("h-0"))).rejects.toEqual(coded("HOST_UNKNOWN"));
  await revokeHost(orderFor(one.answer.host));
  await cut;
  await expect(badClient(one)).rejects.toThrow();
  await expect(revokeHost(orderFor(one.answer.host))).rejects.toEqual(coded("HOST_REVOKED"));
  expect(other.client.connected).toBe(true);
  await other.client.endAsync(true);
  await registry.stop();
  registry = null;
  survivesRebuild(one.answer.host);
});

it("carries out at its start what was ordered of a registry that died before", async () => {
  registry = await start();
  const one = await enrol(registry);
  await registry.stop();
  const db = openDatabase(databasePath(data_dir));
  const add = db.prepare("INSERT INTO revocation_order (host, reason) VALUES (?, 'sold')");
  for (const host of [one.answer.host, "h-0"]) add.run(host);
  registry = await start();
  expect(db.prepare("SELECT count(*) AS left FROM revocation_order").get()).toEqual({ left: 0 });
  db.close();
  const at = { ...one, answer: { ...one.answer, mqtt_url: `mqtts://localhost:${registry.mqtt_port}` } };
  await expect(badClient(at)).rejects.toThrow();
});
