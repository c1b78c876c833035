import { X509Certificate } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { connect as tcpConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import pino from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { enrolment, p256, renewal, secret, setting } from "../../test/support/enrolHarness.js";
import { caHash } from "./caHash.js";
import { type EnrolLimits, type EnrolListener, enrolListener } from "./enrolListener.js";
import type { EnrolService } from "./enrolService.js";
import { issueServerCertificate } from "./issueServerCertificate.js";

describe("the listener", () => {
  let listener: EnrolListener | undefined;
  afterEach(async () => {
    await listener?.close();
    listener = undefined;
  });

  async function listening(limits: Partial<EnrolLimits> = {}, replace: Partial<EnrolService> = {}) {
    const all = setting();
    const lines: string[] = [];
    const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
    const tls = issueServerCertificate(all.ca, ["localhost", "127.0.0.1", "::1"], Date.now());
    const service = { ...all.service, ...replace };
    listener = await enrolListener({ service, tls, bind: "127.0.0.1", port: 0, log, limits });
    const { port } = listener;
    const call = (method: string, path: string, body?: string): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, method, path, ca: all.ca.certificate, agent: false };
        const request = httpsRequest(options, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        });
        request.on("error", reject);
        request.end(body);
      });
    return { ...all, port, call, lines };
  }

  it("shows its CA, so that a host can check the pin before it sends anything", async () => {
    const { call, ca, port } = await listening();
    const { status, text } = await call("GET", "/v1/ca");
    expect([status, text]).toEqual([200, ca.certificate]);
    expect(caHash(text)).toMatch(/^[0-9a-f]{64}$/);
    const chain = await new Promise<Buffer>((resolve, reject) => {
      const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate(true).issuerCertificate.raw);
        socket.destroy();
      });
      socket.on("error", reject);
    });
    expect(chain.equals(new X509Certificate(ca.certificate).raw)).toBe(true);
  });

  it("enrols and renews over TLS, and logs no secret", async () => {
    const { call, lines } = await listening();
    const hostKey = p256();
    const first = await call("POST", "/v1/enrol", JSON.stringify(enrolment({ hostKey })));
    expect(first.status).toBe(200);
    const { nonce } = JSON.parse((await call("GET", "/v1/nonce")).text) as { nonce: string };
    const second = await call("POST", "/v1/renew", JSON.stringify(renewal(hostKey, nonce)));
    expect(second.status).toBe(200);
    expect(JSON.parse(second.text).host).toBe(JSON.parse(first.text).host);
    const spent = await call("POST", "/v1/enrol", JSON.stringify(enrolment({ hostKey })));
    expect([spent.status, JSON.parse(spent.text).code]).toEqual([409, "TOKEN_SPENT"]);
    expect((await call("POST", "/v1/enrol", `{"secret":"${secret}`)).status).toBe(400);
    expect(lines.length).toBeGreaterThanOrEqual(5);
    expect(lines.join()).not.toContain(secret);
  });

  it.each([
    ["GET", "/v1/enrol", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/", undefined, 404, "NOT_FOUND"],
    ["POST", "/v1/enrol", "{", 400, "ENROL_MALFORMED"],
    ["POST", "/v1/enrol", JSON.stringify({ ...enrolment(), more: 1 }), 400, "ENROL_MALFORMED"],
    ["POST", "/v1/renew", "[]", 400, "RENEW_MALFORMED"],
    ["POST", "/v1/enrol", JSON.stringify(enrolment({ secret: "x".repeat(43) })), 401, "TOKEN_UNKNOWN"],
    ["POST", "/v1/enrol", "x".repeat(256 * 1024 + 1), 413, "BODY_TOO_LARGE"],
  ])("answers %s %s with a code", async (method, path, body, status, code) => {
    const { call } = await listening();
    const answer = await call(method, path, body);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([status, code]);
  });

  it("says nothing of what failed inside", async () => {
    const fail = () => {
      throw new Error("disk at /secret/place is full");
    };
    const { call } = await listening({}, { enrol: fail });
    const answer = await call("POST", "/v1/enrol", JSON.stringify(enrolment()));
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([500, "INTERNAL"]);
    expect(answer.text).not.toContain("secret");
  });

  it("counts a chunked body as it comes", async () => {
    const { port, ca } = await listening();
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpsRequest(
        { host: "127.0.0.1", port, method: "POST", path: "/v1/enrol", ca: ca.certificate, agent: false },
        (response) => resolve(response.statusCode ?? 0),
      );
      request.on("error", reject);
      // Without end(): only counting can end it.
      for (let i = 0; i < 5; i++) request.write("x".repeat(64 * 1024));
    });
    expect(status).toBe(413);
  });

  it("drops those who never finish a handshake or a request's head", async () => {
    const { port, ca } = await listening({ headers_ms: 200 });
    const closed = (socket: ReturnType<typeof tcpConnect>): Promise<void> =>
      new Promise((resolve) => {
        socket.on("error", () => undefined);
        socket.resume().once("close", () => resolve());
      });
    const silent = tcpConnect(port, "127.0.0.1");
    const slow = tlsConnect({ port, host: "127.0.0.1", ca: ca.certificate }, () => {
      slow.write("POST /v1/enrol HTTP/1.1\r\nhost: x\r\nx-slow: ");
    });
    await Promise.all([closed(silent), closed(slow)]);
    expect([silent.destroyed, slow.destroyed]).toEqual([true, true]);
  });
});
