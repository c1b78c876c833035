import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, expect, it } from "vitest";
import { enrolTestHost } from "../test/support/testHost.js";
import { createEnrolToken } from "./createEnrolToken.js";
import { createRegistry, type Registry } from "./createRegistry.js";
import { databasePath } from "./databasePath.js";
import { revokeHost } from "./revokeHost.js";
import { openDatabase } from "./store/openDatabase.js";
import { rebuild, tableDigests } from "./store/rebuild.js";

const data_dir = mkdtempSync(join(tmpdir(), "caliber-revoke-"));
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

afterEach(async () => {
  await registry?.stop();
  rmSync(data_dir, { recursive: true });
});

it("revokes a host in the log of a stopped registry, once, and survives a rebuild", async () => {
  registry = await start();
  const token = createEnrolToken({
    data_dir,
    url: `https://localhost:${registry.enrol_port}`,
    recipient: `0x${"22".repeat(20)}`,
    operator: "test",
    valid_ms: 60_000,
    now_ms: Date.now(),
  });
  const { answer } = await enrolTestHost(token, 1, "revoked-host");
  const order = { data_dir, host: answer.host, reason: "sold", now_ms: Date.now };
  expect(() => revokeHost(order)).toThrowError(expect.objectContaining({ code: "REGISTRY_RUNNING" }));
  await registry.stop();
  registry = null;

  expect(() => revokeHost({ ...order, host: "h-0" })).toThrowError(
    expect.objectContaining({ code: "HOST_UNKNOWN" }),
  );
  revokeHost(order);
  expect(() => revokeHost(order)).toThrowError(expect.objectContaining({ code: "HOST_REVOKED" }));

  const db = openDatabase(databasePath(data_dir));
  expect(db.prepare("SELECT revoked FROM host WHERE host = ?").get(answer.host)).toEqual({ revoked: 1 });
  const before = tableDigests(db);
  expect(rebuild(db).digests).toEqual(before);
  db.close();
});
