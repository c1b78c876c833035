import { join } from "node:path";
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
import { reachBroker } from "./reachBroker.js";
import { runTool } from "./runTool.js";

const timeout_ms = 5000;

/** What can be looked at once a host is enrolled: its GPUs, certificate, registry, and the agent itself. */
export function enrolledChecks(
  data_dir: string,
  identity: Identity,
  read: () => Promise<OneReading>,
): Check[] {
  const { mqtt_url, enrol_url, ca, certificate, devices } = identity;
  const now_ms = Date.now();
  // The host's key is a file in every kind of store: TLS needs it in this process.
  const keyOf = (): string =>
    fileKeyStore(join(data_dir, "keys")).hostKey().export({ format: "pem", type: "pkcs8" }) as string;
  return [
    checkEnrolledGpus(devices, async () => (await read()).inventory),
    checkCertificate(certificate, now_ms),
    checkReach({ id: "broker", name: "The broker" }, async () =>
      reachBroker({ url: mqtt_url, ca, client: { certificate, key: keyOf() }, timeout_ms }),
    ),
    checkReach({ id: "registry", name: "The registry's enrolment listener" }, async () =>
      reachBroker({ url: enrol_url, ca, client: null, timeout_ms }),
    ),
    checkService(runTool),
    checkAgent(() => statusOf(data_dir), now_ms),
  ];
}

function statusOf(data_dir: string): AgentStatus | null {
  try {
    return statusFile(data_dir).read();
  } catch (error) {
    if ((error as { code?: unknown }).code === "AGENT_NOT_RUNNING") return null;
    throw error;
  }
}
