import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/event.json" with { type: "json" };
import { publicKeyFromSpki } from "../crypto/spki.js";
import { openEnvelope } from "../dsse/openEnvelope.js";
import { pae } from "../dsse/pae.js";
import { parseEnvelope } from "../dsse/parseEnvelope.js";
import { payloadTypes } from "../dsse/payloadTypes.js";
import { statementHash } from "../dsse/statementHash.js";
import { healthCauses } from "../health/healthCause.js";
import { healthStates } from "../health/healthState.js";
import { type HealthEvent, healthEventType } from "./healthEvent.js";

const key = publicKeyFromSpki(Buffer.from(vector.registry_spki, "hex"));

describe("the health event vector", () => {
  it("opens with the registry's key, under its own type alone", () => {
    const bytes = Buffer.from(vector.envelope);
    expect(openEnvelope(bytes, payloadTypes.event, key)).toEqual(vector.event);
    expect(() => openEnvelope(bytes, payloadTypes.down, key)).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TYPE_UNKNOWN" }),
    );
    const { payloadType, payload } = parseEnvelope(bytes);
    expect(statementHash(pae(payloadType, payload)).toString("hex")).toBe(vector.statement);
  });

  it("uses words that the protocol has", () => {
    const event = openEnvelope(Buffer.from(vector.envelope), payloadTypes.event, key) as HealthEvent;
    expect(event.type).toBe(healthEventType);
    expect(Object.keys(healthStates)).toEqual(
      expect.arrayContaining([event.data.previous, event.data.current]),
    );
    expect(Object.keys(healthCauses)).toContain(event.data.cause);
    expect(event.sequence).toMatch(/^[0-9]{20}$/);
    expect(new Date(event.time).toISOString()).toBe(event.time);
  });
});

describe("numbers that stand on chain", () => {
  it("are given once, and none of them changes", () => {
    expect(healthStates).toEqual({
      healthy: 1,
      watch: 2,
      impaired: 3,
      breach_proposed: 4,
      stale: 5,
      lost: 6,
      disputed: 7,
      paused: 8,
      retired: 9,
    });
    const causes = Object.values(healthCauses);
    expect(new Set(causes).size).toBe(causes.length);
    expect(healthCauses).toMatchObject({
      none: 0,
      never_reported: 1,
      device_silent: 2,
      registry_silent: 3,
      gpu_lost: 10,
      gpu_missing: 11,
      probe_timeout: 12,
      ecc_uncorrectable: 20,
      row_remap_pending: 21,
      row_remap_failure: 22,
      recovery_action: 23,
      xid_impaired: 24,
      xid_watch: 25,
      sram_threshold_exceeded: 26,
      utilization_low: 30,
      equivocation: 40,
      identity_taken: 41,
      identity_changed: 42,
      implausible: 43,
      pause_announced: 50,
      uncured: 60,
    });
  });
});
