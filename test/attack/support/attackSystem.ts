import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import pino from "pino";
import { spkiOf } from "../../../protocol/crypto/spki.js";
import type { Identity } from "../../../protocol/enrol/hostUri.js";
import type { CaliberEvent } from "../../../protocol/events/healthEvent.js";
import type { Beacon } from "../../../protocol/report/schema.js";
import { createEnrolToken } from "../../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../../registry/createRegistry.js";
import { databasePath } from "../../../registry/databasePath.js";
import type { Ca } from "../../../registry/enrol/createCa.js";
import { issueClientCertificate } from "../../../registry/enrol/issueClientCertificate.js";
import { openCa } from "../../../registry/enrol/openCa.js";
import type { DeviceFold } from "../../../registry/health/deviceFold.js";
import { loadRegistryKeys } from "../../../registry/keys/registryKeys.js";
import { openDatabase } from "../../../registry/store/openDatabase.js";
import { rebuild, tableDigests } from "../../../registry/store/rebuild.js";
import { openCore } from "../../../registry/testing/openCore.js";
import { type BadClient, badClient } from "../../badinput/badClient.js";
import { enrolTestHost, type TestDevice } from "../../support/testHost.js";
import { testChain } from "../../support/testReports.js";
import { until } from "../../support/until.js";

const minute = 60_000;
/** Where windows of honest reports begin: late by no more than counts as in time. */
const back_ms = 9 * minute;

export type AttackSystem = Awaited<ReturnType<typeof attackSystem>>;
export type AttackHost = Awaited<ReturnType<AttackSystem["host"]>>;
export type AttackDevice = AttackHost["devices"][number];

/**
 * The registry as it runs (broker, TLS, enrolment, log, fold) with hosts that speak the protocol by hand and may lie. Its
 * clock can be turned forward. Two beacons have been handed out: ten minutes before the start, and at it.
 */
export async function attackSystem() {
  const data_dir = mkdtempSync(join(tmpdir(), "caliber-attack-"));
  let ahead_ms = 0;
  const now_ms = (): number => Date.now() + ahead_ms;
  const begin_ms = now_ms();
  const beacons = {
    first: { number: 70, hash: `0x${"b0".repeat(32)}` },
    latest: { number: 77, hash: `0x${"b7".repeat(32)}` },
  } satisfies Record<string, Beacon>;
  const fatal: unknown[] = [];
  const links = new Set<BadClient>();

  // A log without its keys and its CA beside it is refused.
  loadRegistryKeys(join(data_dir, "keys"));
  openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms: begin_ms });
  const seed = openCore({ path: databasePath(data_dir), policy: "standard", start_ms: begin_ms });
  const { first, latest } = beacons;
  seed.ledger.add("chain", { type: "beacon", ...first, time_ms: begin_ms - 10 * minute });
  seed.ledger.add("chain", { type: "beacon", ...latest, time_ms: begin_ms });
  seed.settle();
  seed.crash();

  const start = (ports: { mqtt: number; enrol: number }): Promise<Registry> =>
    createRegistry({
      data_dir,
      bind: "127.0.0.1",
      api_bind: "127.0.0.1",
      server_names: ["localhost", "127.0.0.1"],
      mqtt_port: ports.mqtt,
      enrol_port: ports.enrol,
      api_port: 0,
      host_packets_per_s: 1000,
      policy: "standard",
      window_ms: minute,
      tick_ms: 200,
      chain: null,
      log: pino({ level: "silent" }),
      now_ms,
      onFatal: (error) => void fatal.push(error),
    });
  let registry = await start({ mqtt: 0, enrol: 0 });
  const reader = new Database(databasePath(data_dir), { readonly: true });

  /** The CA's own key, as a test of certificates needs it. */
  const ca = (): Ca => openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms: begin_ms });
  const token = (operator: string, recipient = `0x${"11".repeat(20)}`, valid_ms = minute): string =>
    createEnrolToken({
      data_dir,
      url: `https://localhost:${registry.enrol_port}`,
      recipient,
      operator,
      valid_ms,
      now_ms: now_ms(),
    });

  /** Key and certificate of anybody, by this registry's CA or another. */
  const tlsOf = (identity: Identity, issuer = ca(), lifetime_ms = minute) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return {
      key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      cert: issueClientCertificate(issuer, identity, spkiOf(privateKey), { now_ms: Date.now(), lifetime_ms }),
      ca: ca().certificate,
    };
  };

  const deviceOf = (device: TestDevice, host: string, link: () => BadClient) => {
    const chain = testChain(device, host);
    let end_ms = begin_ms - back_ms;
    const window = (length_ms = 1000) => {
      const start_ms = end_ms;
      end_ms += length_ms;
      return { start_ms, end_ms };
    };
    return {
      ...device,
      chain,
      /** The next window of this device's honest chain. */
      window,
      /** Signs the next report and hands it in. @throws Error when it is not kept. */
      async say(
        kind: "telemetry" | "inventory" | "gap",
        body: object,
        at = window(kind === "telemetry" ? 1000 : 0),
      ) {
        const signed = chain.next(kind, body, at);
        const answer = await link().send(device.id, signed.bytes, signed.statement);
        if (!("kept" in answer)) throw new Error(`an honest report was refused: ${answer.refused}`);
        return { ...signed, idx: answer.kept };
      },
    };
  };

  return {
    data_dir,
    begin_ms,
    now_ms,
    beacons,
    fatal,
    reader,
    ca,
    token,
    tlsOf,
    registry: () => registry,
    /** Turns the registry's clock forward. */
    pass(ms: number): void {
      ahead_ms += ms;
    },
    /** Enrols a host over HTTPS and connects it. */
    async host(label: string, deviceCount = 1, recipient?: string) {
      const host = await enrolTestHost(token(label, recipient), deviceCount, label);
      let link = await badClient(host);
      links.add(link);
      const id = host.answer.host;
      return {
        ...host,
        id,
        link: () => link,
        /** Connects anew, after an offence or a restart of the registry. */
        async reconnect(): Promise<void> {
          link = await badClient(host);
          links.add(link);
        },
        devices: host.devices.map((device) => deviceOf(device, id, () => link)),
      };
    },
    fold(device: string): DeviceFold {
      const row = reader
        .prepare<[string], { fold: string }>(
          "SELECT fold FROM device_fold JOIN device USING (id) WHERE device = ?",
        )
        .get(device);
      return JSON.parse(row!.fold) as DeviceFold;
    },
    /** Codes of the findings that have been told of a device so far. */
    findings(device: string): { code: string; text: string }[] {
      return reader
        .prepare<[], string>("SELECT body FROM event ORDER BY id")
        .pluck()
        .all()
        .map((body) => JSON.parse(body) as CaliberEvent)
        .flatMap(({ data }) =>
          "code" in data && data.device === device ? [{ code: data.code, text: data.text }] : [],
        );
    },
    /** Waits for a finding, which the registry stores with its next flush. */
    found(device: string, code: string): Promise<{ code: string; text: string }> {
      return until(`${code} of ${device}`, 8000, () =>
        this.findings(device).find((finding) => finding.code === code),
      );
    },
    /** Waits until all that was taken in so far is in the derived tables. */
    async settled(): Promise<void> {
      const size = reader.prepare<[], number>("SELECT count(*) FROM entry").pluck().get()!;
      await until("the tables to follow the log", 8000, () => {
        const state = reader
          .prepare<[], string>("SELECT value FROM fold_state WHERE key = 'fleet'")
          .pluck()
          .get();
        return (JSON.parse(state ?? "{}") as { next_idx?: number }).next_idx! >= size;
      });
    },
    /** Code and bytes under which a refused report is kept. */
    rejected: (digest: string) =>
      reader
        .prepare<[Buffer], { code: string }>("SELECT code FROM rejected WHERE digest = ?")
        .get(Buffer.from(digest, "hex"))?.code,
    /** Stops the registry and starts it again where its hosts know it. */
    restart(): Promise<void> {
      return this.whileStopped(async () => undefined);
    },
    /** The same, with `act` in between. */
    async whileStopped(act: () => Promise<void>): Promise<void> {
      const { mqtt_port: mqtt, enrol_port: enrol } = registry;
      for (const link of links) await link.client.endAsync(true);
      links.clear();
      await registry.stop();
      await act();
      registry = await start({ mqtt, enrol });
    },
    /** Stops everything. @throws Error when a rebuild from the log gives other tables. */
    async close(): Promise<void> {
      for (const link of links) await link.client.endAsync(true);
      reader.close();
      await registry.stop();
      const db = openDatabase(databasePath(data_dir));
      try {
        const before = JSON.stringify(tableDigests(db));
        if (JSON.stringify(rebuild(db).digests) !== before) throw new Error("a rebuild gives other tables");
        if (fatal.length > 0) throw new AggregateError(fatal, "the registry gave up");
      } finally {
        db.close();
        rmSync(data_dir, { recursive: true });
      }
    },
  };
}
