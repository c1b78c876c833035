import { existsSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";
import type { Identity } from "../enrol/identity.js";
import { fileKeyStore } from "../keys/fileKeyStore.js";
import type { AgentStatus } from "../runtime/agentStatus.js";
import { statusFile } from "../runtime/statusFile.js";
import type { OneReading } from "../scan/readOnce.js";
import type { Check } from "./check.js";
import { checkAgent } from "./checkAgent.js";
import { checkCertificate } from "./checkCertificate.js";
import { checkEnrolledGpus } from "./checkEnrolledGpus.js";
import { checkReach } from "./checkReach.js";
import { checkService } from "./checkService.js";
import { type Reach, reachBroker } from "./reachBroker.js";
import { runTool } from "./runTool.js";

const timeout_ms = 5000;

/** What can be looked at once a host is enrolled: its GPUs, certificate, registry, and the agent itself. */
export function enrolledChecks(
  data_dir: string,
  identity: Identity,
  read: () => Promise<OneReading>,
): Check[] {
  const { enrol_url, ca, certificate, devices } = identity;
  const now_ms = Date.now();
  return [
    checkEnrolledGpus(devices, async () => (await read()).inventory),
    checkCertificate(certificate, now_ms),
    checkReach({ id: "broker", name: "The broker" }, () => reachAsHost(data_dir, identity)),
    checkReach({ id: "registry", name: "The registry's enrolment listener" }, async () =>
      reachBroker({ url: enrol_url, ca, client: null, timeout_ms }),
    ),
    checkService(runTool),
    checkAgent(() => statusOf(data_dir), now_ms),
  ];
}

async function reachAsHost(data_dir: string, identity: Identity): Promise<Reach> {
  const { mqtt_url: url, ca, certificate } = identity;
  let key: string;
  try {
    key = hostKeyOf(data_dir);
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    return { step: "key", address: new URL(url).host, code: error.code };
  }
  return reachBroker({ url, ca, client: { certificate, key }, timeout_ms });
}

/** The host's key is a file in every kind of store: TLS needs it in this process. */
function hostKeyOf(data_dir: string): string {
  const directory = join(data_dir, "keys");
  // Opening a store makes its directory; looking must not.
  if (!existsSync(directory)) throw new CaliberError("KEY_MISSING", `there is no ${directory}`);
  return fileKeyStore(directory).hostKey().export({ format: "pem", type: "pkcs8" }) as string;
}

function statusOf(data_dir: string): AgentStatus | null {
  try {
    return statusFile(data_dir).read();
  } catch (error) {
    if ((error as { code?: unknown }).code === "AGENT_NOT_RUNNING") return null;
    throw error;
  }
}
