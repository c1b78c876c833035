import type { IncomingMessage, ServerResponse } from "node:http";
import type { ValidateFunction } from "ajv";
import type { Logger } from "pino";
import { CaliberError } from "../../protocol/errors.js";
import type { EnrolService } from "./enrolService.js";
import { enrolStatus } from "./enrolStatus.js";
import { readBody } from "./readBody.js";
import { validators } from "./validators.js";

const bodyLimit_bytes = 256 * 1024;

type Answer = { type: string; body: string };
const json = (value: unknown): Answer => ({ type: "application/json", body: JSON.stringify(value) });

/**
 * Answers one request to the enrolment listener. Neither bodies nor the errors' causes are logged: they may quote
 * the token's secret.
 */
export async function answerEnrolRequest(
  request: IncomingMessage,
  response: ServerResponse,
  service: EnrolService,
  log: Logger,
): Promise<void> {
  // Attacker-controlled: cut for the log.
  const path = (request.url ?? "").slice(0, 64);
  const remote = request.socket.remoteAddress;
  try {
    const answer = await route(request, service);
    log.info({ path, remote }, "enrolment request answered");
    send(response, 200, answer);
  } catch (error) {
    if (!(error instanceof CaliberError) || error.disposition === "internal") {
      log.error(
        { path, remote, err: error instanceof Error ? error.message : "unknown" },
        "enrolment failed",
      );
      send(response, 500, json({ code: "INTERNAL", message: "the registry failed; try again later" }));
      return;
    }
    log.warn({ path, remote, code: error.code }, "enrolment refused");
    // What was not read of a request must not be taken for the next one.
    if (!request.complete) response.setHeader("connection", "close");
    send(response, enrolStatus(error.code), json({ code: error.code, message: error.message }));
  }
}

async function route(request: IncomingMessage, service: EnrolService): Promise<Answer> {
  switch (`${request.method} ${request.url}`) {
    case "GET /v1/ca":
      return { type: "application/x-pem-file", body: service.ca };
    case "GET /v1/nonce":
      return json({ nonce: service.nonce() });
    case "POST /v1/enrol":
      return json(service.enrol(await readJson(request, validators.enrolRequest, "ENROL_MALFORMED")));
    case "POST /v1/tpm-challenge":
      return json(
        service.challengeTpm(await readJson(request, validators.tpmChallengeRequest, "ENROL_MALFORMED")),
      );
    case "POST /v1/renew":
      return json(service.renew(await readJson(request, validators.renewRequest, "RENEW_MALFORMED")));
  }
  if (["/v1/ca", "/v1/nonce", "/v1/tpm-challenge", "/v1/enrol", "/v1/renew"].includes(request.url ?? "")) {
    throw new CaliberError("METHOD_NOT_ALLOWED", "another method is asked for here");
  }
  throw new CaliberError("NOT_FOUND", "nothing is here");
}

async function readJson<T>(request: IncomingMessage, isValid: ValidateFunction<T>, code: string): Promise<T> {
  const body = await readBody(request, bodyLimit_bytes);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    // The cause would quote the body, which holds the secret.
    throw new CaliberError(code, "the body is not JSON");
  }
  if (isValid(value)) return value;
  const [first] = isValid.errors ?? [];
  throw new CaliberError(code, `${first?.instancePath || "/"} ${first?.message ?? "is invalid"}`);
}

function send(response: ServerResponse, status: number, { type, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
