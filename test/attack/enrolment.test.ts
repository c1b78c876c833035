import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { createCsr } from "../../protocol/x509/createCsr.js";
import { decodePem, encodePem } from "../../protocol/x509/pem.js";
import { revokeHost } from "../../registry/revokeHost.js";
import { enrolment, renewal } from "../support/enrolHarness.js";
import { type AttackHost, type AttackSystem, attackSystem } from "./support/attackSystem.js";

const minute = 60_000;
const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
let system: AttackSystem;
let honest: AttackHost;
beforeAll(async () => {
  system = await attackSystem();
  honest = await system.host("honest");
});
afterAll(() => system.close());

type Answer = { status: number; code: string };
function call(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(`https://localhost:${system.registry().enrol_port}`);
    const asked = request(
      {
        host: "localhost",
        port,
        path,
        method: body === undefined ? "GET" : "POST",
        ca: system.ca().certificate,
        headers: { "content-type": "application/json", ...headers },
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          const answer = text === "" ? {} : (JSON.parse(text) as { code?: string });
          resolve({ status: response.statusCode ?? 0, code: answer.code ?? "none" });
        });
      },
    );
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
  });
}
const nonce = async (): Promise<string> => {
  const answer = await fetchNonce();
  return answer.nonce;
};
function fetchNonce(): Promise<{ nonce: string }> {
  return new Promise((resolve, reject) => {
    const { enrol_port: port } = system.registry();
    request(
      { host: "localhost", port, path: "/v1/nonce", ca: system.ca().certificate, agent: false },
      (response) => {
        response
          .setEncoding("utf8")
          .on("data", (text: string) => resolve(JSON.parse(text) as { nonce: string }));
      },
    )
      .on("error", reject)
      .end();
  });
}
const secretOf = (operator: string, recipient?: string, valid_ms?: number): string =>
  parseEnrolToken(system.token(operator, recipient, valid_ms)).secret;
const hosts = (): number => system.reader.prepare<[], number>("SELECT count(*) FROM host").pluck().get()!;
const forged = (): string => {
  const der = Buffer.from(decodePem("CERTIFICATE REQUEST", createCsr(p256(), { commonName: "host" })));
  der[der.length - 1]! ^= 1;
  return encodePem("CERTIFICATE REQUEST", der);
};

describe("enrolments that are refused", () => {
  type Attack = { name: string; code: string; body: () => unknown };
  it.each<Attack>([
    { name: "a guessed token", code: "TOKEN_UNKNOWN", body: () => enrolment({ secret: "x".repeat(43) }) },
    {
      name: "a certificate request with a forged signature",
      code: "CSR_SIGNATURE_INVALID",
      body: () => ({ ...enrolment({ secret: secretOf("a") }), csr: forged() }),
    },
    {
      name: "a certificate request for another's key",
      code: "ENROL_KEY_MISMATCH",
      body: () => enrolment({ secret: secretOf("a"), csrKey: p256() }),
    },
    {
      name: "a device whose key the host does not hold",
      code: "DEVICE_PROOF_INVALID",
      body: () => {
        const secret = secretOf("a");
        return { ...enrolment({ secret }), devices: enrolment({ secret }).devices };
      },
    },
    {
      name: "proofs of keys replayed from another token",
      code: "DEVICE_PROOF_INVALID",
      body: () => enrolment({ secret: secretOf("a"), proofToken: "0".repeat(64) }),
    },
    {
      name: "a device that is enrolled already (one key on two hosts)",
      code: "DEVICE_TAKEN",
      body: () => enrolment({ secret: secretOf("a"), deviceKeys: [honest.devices[0]!.key] }),
    },
    {
      name: "a host that turns to another recipient",
      code: "RECIPIENT_MISMATCH",
      body: () => enrolment({ secret: secretOf("a", `0x${"22".repeat(20)}`), hostKey: honest.key }),
    },
    {
      name: "a label with a line end",
      code: "ENROL_MALFORMED",
      body: () => enrolment({ secret: secretOf("a"), statement: { label: "rack\r\n1" } }),
    },
    {
      name: "a device id named __proto__",
      code: "ENROL_MALFORMED",
      body: () => enrolment({ secret: secretOf("a"), statement: { devices: ["__proto__", "constructor"] } }),
    },
    {
      name: "a member named __proto__ in the request",
      code: "ENROL_MALFORMED",
      body: () =>
        JSON.stringify(enrolment({ secret: secretOf("a") })).replace("{", '{"__proto__":{"tpm":1},'),
    },
    {
      name: "a claim that keys are in a TPM, without its challenge (assurance raised)",
      code: "TPM_NOT_ACCEPTED",
      body: () => ({
        ...enrolment({ secret: secretOf("a") }),
        tpm: {
          nonce: "0".repeat(64),
          activated: "AAAA",
          ek_spki: "AAAA",
          ak: "AAAA",
          keys: [0, 1].map(() => ({ public: "AAAA", attest: "AAAA", signature: "AAAA" })),
        },
      }),
    },
  ])("$name", async ({ code, body }) => {
    const before = hosts();
    expect((await call("/v1/enrol", body())).code).toBe(code);
    expect(hosts()).toBe(before);
  });

  it("keys in files behind a token that names a TPM (assurance lowered)", async () => {
    const { createEnrolToken } = await import("../../registry/createEnrolToken.js");
    const text = createEnrolToken({
      data_dir: system.data_dir,
      url: `https://localhost:${system.registry().enrol_port}`,
      recipient: `0x${"11".repeat(20)}`,
      operator: "a",
      valid_ms: minute,
      ek_sha256: ["ab".repeat(32)],
      now_ms: system.now_ms(),
    });
    const { secret } = parseEnrolToken(text);
    expect((await call("/v1/enrol", enrolment({ secret }))).code).toBe("TPM_REQUIRED");
  });

  it("a token used twice, also by two at once", async () => {
    const secret = secretOf("a");
    const answers = await Promise.all([1, 2, 3].map(() => call("/v1/enrol", enrolment({ secret }))));
    expect(answers.map(({ code }) => code).sort()).toEqual(["TOKEN_SPENT", "TOKEN_SPENT", "none"]);
    expect((await call("/v1/enrol", enrolment({ secret }))).code).toBe("TOKEN_SPENT");
  });

  it("a request of megabytes", async () => {
    const big = JSON.stringify({ ...enrolment({ secret: secretOf("a") }), csr: "x".repeat(2 * 1024 * 1024) });
    const answer = await call("/v1/enrol", big).catch(() => ({ status: 0, code: "cut off" }));
    expect(["BODY_TOO_LARGE", "cut off"]).toContain(answer.code);
    expect((await call("/v1/enrol", enrolment({ secret: "x".repeat(43) }))).code).toBe("TOKEN_UNKNOWN");
  });
});

describe("renewals that are refused", () => {
  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
  type Attack = { name: string; code: string; body: (nonce: string) => unknown };
  it.each<Attack>([
    { name: "renewal by a key that nobody enrolled", code: "HOST_UNKNOWN", body: (n) => renewal(p256(), n) },
    {
      name: "renewal of another host, by one's own key",
      code: "RENEW_KEY_MISMATCH",
      body: (n) => renewal(honest.key, n, { signer: p256() }),
    },
    {
      name: "renewal with a nonce that was never given",
      code: "NONCE_UNKNOWN",
      body: () => renewal(honest.key, "ab".repeat(32)),
    },
    {
      name: "renewal for another certificate request",
      code: "RENEW_MALFORMED",
      body: (n) => renewal(honest.key, n, { csr_sha256: digest("x") }),
    },
  ])("$name", async ({ code, body }) => {
    expect((await call("/v1/renew", body(await nonce()))).code).toBe(code);
  });

  it("renewal replayed", async () => {
    const body = renewal(honest.key, await nonce());
    expect((await call("/v1/renew", body)).code).toBe("none");
    expect((await call("/v1/renew", body)).code).toBe("NONCE_SPENT");
  });

  it("renewal and enrolment by a revoked host", async () => {
    const key = p256();
    expect((await call("/v1/enrol", enrolment({ secret: secretOf("r"), hostKey: key }))).code).toBe("none");
    const { hostIdOf } = await import("../../protocol/enrol/hostIdOf.js");
    const host = hostIdOf(spkiOf(key));
    await revokeHost({ data_dir: system.data_dir, host, reason: "test", now_ms: system.now_ms });
    expect((await call("/v1/renew", renewal(key, await nonce()))).code).toBe("HOST_REVOKED");
    expect((await call("/v1/enrol", enrolment({ secret: secretOf("r"), hostKey: key }))).code).toBe(
      "HOST_REVOKED",
    );
  });
});

describe("after its time", () => {
  it("a token that has expired, and a nonce that has", async () => {
    const secret = secretOf("late");
    const old = await nonce();
    system.pass(minute + 1000);
    expect((await call("/v1/enrol", enrolment({ secret }))).code).toBe("TOKEN_EXPIRED");
    expect((await call("/v1/renew", renewal(honest.key, old))).code).toBe("NONCE_EXPIRED");
  });
});
