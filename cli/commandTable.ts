import type { Command } from "./config/runConfigured.js";

/** Every command by its words. Loaded when called, so that the agent never carries what the registry needs. */
export const commandTable: Readonly<Record<string, () => Promise<Command>>> = {
  up: () => import("./up/up.js"),
  "agent enroll": () => import("./commands/agent/enroll.js"),
  "agent run": () => import("./commands/agent/run.js"),
  "agent scan": () => import("./commands/agent/scan.js"),
  "agent doctor": () => import("./commands/agent/doctor.js"),
  "agent status": () => import("./commands/agent/status.js"),
  "agent pause": () => import("./commands/agent/pause.js"),
  "agent rotate": () => import("./commands/agent/rotate.js"),
  "agent retire": () => import("./commands/agent/retire.js"),
  "agent unenroll": () => import("./commands/agent/unenroll.js"),
  "config print": () => import("./commands/config/print.js"),
  "evidence verify": () => import("./commands/evidence/verify.js"),
  "registry init": () => import("./commands/registry/init.js"),
  "registry run": () => import("./commands/registry/run.js"),
  "registry token": () => import("./commands/registry/token.js"),
  "registry devices": () => import("./commands/registry/devices.js"),
  "registry rebuild": () => import("./commands/registry/rebuild.js"),
  "registry expiries": () => import("./commands/registry/expiries.js"),
  "registry dispute": () => import("./commands/registry/dispute.js"),
  "registry replace": () => import("./commands/registry/replace.js"),
  "registry writer-key": () => import("./commands/registry/writerKey.js"),
  "registry approve": () => import("./commands/registry/approve.js"),
  "registry key": () => import("./commands/registry/key.js"),
  "registry revoke": () => import("./commands/registry/revoke.js"),
};
