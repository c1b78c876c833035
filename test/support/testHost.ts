import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { request } from "node:https";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { pae } from "../../protocol/dsse/pae.js";
import { type PayloadType, payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import type { EnrolAnswer } from "../../protocol/enrol/enrolMessages.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { createCsr } from "../../protocol/x509/createCsr.js";

export type TestDevice = { id: string; key: KeyObject };
export type TestHost = { answer: EnrolAnswer; key: KeyObject; devices: TestDevice[] };

/** A host that speaks the protocol by hand: enrolled over HTTPS like an agent, and free to misbehave. */
export async function enrolTestHost(
  tokenText: string,
  deviceCount: number,
  label: string,
): Promise<TestHost> {
  const token = parseEnrolToken(tokenText);
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const hostSpki = spkiOf(key).toString("base64");
  const tokenHash = secretHash(token.secret);
  const devices = Array.from({ length: deviceCount }, () => {
    const deviceKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    return { id: deviceIdOf(spkiOf(deviceKey)), key: deviceKey };
  });
  const body = {
    secret: token.secret,
    csr: createCsr(key, { commonName: label }),
    host: statement(payloadTypes.enrolHost, key, {
      v: 1,
      token: tokenHash,
      host_spki: hostSpki,
      label,
      simulated: true,
      devices: devices.map(({ id }) => id),
    }),
    devices: devices.map((device) =>
      statement(payloadTypes.enrolDevice, device.key, {
        v: 1,
        token: tokenHash,
        host_spki: hostSpki,
        device_spki: spkiOf(device.key).toString("base64"),
      }),
    ),
  };
  const ca = await ask(`${token.url}/v1/ca`, undefined, null);
  const answer = JSON.parse(await ask(`${token.url}/v1/enrol`, body, ca)) as EnrolAnswer;
  return { answer, key, devices };
}

/** SHA-256 of bytes, hex. */
export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function statement(type: PayloadType, key: KeyObject, body: object): string {
  const payload = Buffer.from(JSON.stringify(body));
  const signature = signEs256(pae(type, payload), key);
  return encodeEnvelope({ payloadType: type, payload, signature }, "").toString("base64");
}

function ask(url: string, body: unknown, ca: string | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method: body === undefined ? "GET" : "POST",
        headers: body === undefined ? {} : { "content-type": "application/json" },
        ...(ca === null ? { rejectUnauthorized: false } : { ca }),
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          response.statusCode === 200
            ? resolve(text)
            : reject(new Error(`${url}: ${response.statusCode} ${text}`)),
        );
      },
    );
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
