import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { type CaliberEvent, findingEventType } from "../../protocol/events/healthEvent.js";
import { evidenceNonce } from "../../protocol/evidence/evidenceNonce.js";
import { pemOf } from "../../protocol/evidence/testing/syntheticDevice.js";
import type { EvidenceReport, InventoryBody } from "../../protocol/report/schema.js";
import { syntheticFleet, syntheticInventory } from "../../test/support/syntheticFleet.js";
import { busyTelemetry, testChain } from "../../test/support/testReports.js";
import { healthPolicies } from "../health/policy.js";
import { assuranceOf } from "../health/raise.js";
import { rebuild, tableDigests } from "../store/rebuild.js";
import { type Core, openCore, testOrigin } from "./openCore.js";
import { testDevice } from "./testDevice.js";

const fleet = syntheticFleet("2921CE551E4EEDA3", "2921CE551E4EEDA4");
const [gpu, otherGpu] = fleet.gpus as [(typeof fleet.gpus)[0], (typeof fleet.gpus)[0]];

export { gpu, otherGpu };

const policy = healthPolicies.demo;
const cores: Core[] = [];

/** To be called after each test. */
export function closeEvidenceBenches(): void {
  for (const core of cores.splice(0)) core.crash();
}

export type EvidenceBench = Awaited<ReturnType<ReturnType<typeof evidenceBench>["ready"]>>;

/** A registry under the demo policy that trusts the synthetic root, and hosts of one GPU each that answer by hand. */
export function evidenceBench(count = 1, inventories: InventoryBody[] = [], start_ms?: number) {
  const core = openCore({
    evidence_root: fleet.root_sha256,
    ...(start_ms !== undefined && { start_ms }),
  });
  cores.push(core);
  const hosts = Array.from({ length: count }, (_, i) => {
    const device = testDevice();
    const host = `h-${i}`;
    core.enrol(host, [device]);
    return { device, host, chain: testChain(device, host), uuid: `GPU-${i}` };
  });
  type Host = (typeof hosts)[number];
  const send = async ({ host, device }: Host, bytes: Buffer): Promise<void> => {
    await core.ingest.take({ host, device: device.id, payload: bytes });
    core.settle();
  };
  const moment = () => ({ start_ms: core.now_ms(), end_ms: core.now_ms() });
  const at = (i: number): Host => hosts[i]!;
  const bench = {
    core,
    at,
    fold: (i = 0) => core.fold(at(i).device),
    identity: (i = 0) => assuranceOf(core.fold(at(i).device)).identity,
    events(i = 0): CaliberEvent[] {
      core.settle();
      return core.db
        .prepare<[number], { body: string }>("SELECT body FROM event WHERE device = ? ORDER BY id")
        .all(core.fold(at(i).device).id)
        .map(({ body }) => JSON.parse(body));
    },
    findings: (i = 0) =>
      bench.events(i).flatMap((event) => (event.type === findingEventType ? [event.data] : [])),
    codes: (i = 0) => bench.findings(i).map(({ code }) => code),
    async report(i = 0): Promise<void> {
      const end_ms = core.advance(1000);
      const window = { start_ms: end_ms - 1000, end_ms };
      await send(at(i), at(i).chain.next("telemetry", { ...busyTelemetry, present_ms: 1000 }, window).bytes);
    },
    async inventory(i: number, body: InventoryBody): Promise<void> {
      await send(at(i), at(i).chain.next("inventory", body, moment()).bytes);
    },
    challenge(i = 0): string {
      const challenge = randomBytes(32).toString("hex");
      const issued_ms = core.now_ms();
      const expires_ms = issued_ms + policy.challenge_answer_ms;
      core.ledger.add("challenge", { device: at(i).device.id, challenge, issued_ms, expires_ms });
      core.settle();
      return challenge;
    },
    /** What the host would answer; every part can be made wrong. */
    body(i: number, challenge: string, signer = gpu, change: Partial<EvidenceReport["body"]> = {}) {
      const asked = { challenge, chain_head: at(i).chain.at().prev, beacon: null, ...change };
      const { chain_head, beacon } = asked;
      const nonce = evidenceNonce({
        log_origin: testOrigin,
        device_id: at(i).device.id,
        beacon,
        challenge: asked.challenge,
        chain_head,
      });
      return {
        ...asked,
        report: signer.report({ nonce: Buffer.from(nonce, "hex") }).toString("base64"),
        chain: pemOf(signer.certificates),
        collector: "nvattest" as const,
        asked_ms: core.now_ms(),
        collected_ms: core.now_ms(),
        ...change,
      };
    },
    async answer(i: number, body: EvidenceReport["body"]): Promise<void> {
      await send(at(i), at(i).chain.next("evidence", body, moment()).bytes);
    },
    async prove(i = 0, signer = gpu): Promise<void> {
      const challenge = bench.challenge(i);
      core.advance(1500);
      await bench.answer(i, bench.body(i, challenge, signer));
    },
    pass(ms: number): void {
      for (let left = ms; left > 0; left -= 5000) {
        core.advance(Math.min(5000, left));
        core.ledger.commit();
      }
      core.settle();
    },
    expectRebuilt(): void {
      core.settle();
      const live = tableDigests(core.db);
      expect(rebuild(core.db, fleet.root_sha256).digests).toEqual(live);
    },
  };
  return {
    bench,
    ready: async () => {
      for (let i = 0; i < count; i += 1) {
        await bench.inventory(i, inventories[i] ?? syntheticInventory(at(i).uuid));
        await bench.report(i);
      }
      return bench;
    },
  };
}
