import { describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import { backoff } from "./backoff.js";
import { connectionFault } from "./connectionFault.js";

const coded = (code: string): Error => Object.assign(new Error("x"), { code });

describe("connectionFault", () => {
  it.each([
    [coded("ECONNREFUSED"), "retry"],
    [coded("EPIPE"), "retry"],
    [new Error("connack timeout"), "retry"],
    [new CaliberError("CONNECTION_CLOSED", "x"), "retry"],
    [coded("CERT_HAS_EXPIRED"), "renew"],
    [coded("ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED"), "renew"],
    [coded("DEPTH_ZERO_SELF_SIGNED_CERT"), "loud"],
    [new Error("Connection refused: Not authorized"), "loud"],
    [new CaliberError("HOST_REVOKED", "x"), "loud"],
    [undefined, "loud"],
  ])("%s: %s", (error, action) => {
    expect(connectionFault(error).action).toBe(action);
  });
});

describe("backoff", () => {
  it("doubles from one second to thirty, and takes a random half off", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => backoff(attempt, 0))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
    expect(backoff(0, 0.999)).toBeGreaterThanOrEqual(500);
    expect(backoff(9, 0.5)).toBe(22_500);
  });
});
