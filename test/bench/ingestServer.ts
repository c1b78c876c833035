import { generateKeyPairSync, verify } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry } from "../../registry/createRegistry.js";

export type ServerReady = { verify_per_s: number; tokens: string[] };
export type ServerResult = { kept: number; refused: number };

const [{ connections }] = (await once(process, "message")) as [{ connections: number }];
const verify_per_s = measureVerify(3_000);
const data_dir = mkdtempSync(join(tmpdir(), "caliber-bench-"));
const registry = await createRegistry({
  data_dir,
  bind: "127.0.0.1",
  server_names: ["localhost", "127.0.0.1"],
  mqtt_port: 0,
  enrol_port: 0,
  api_port: 0,
  policy: "standard",
  window_ms: 60_000,
  tick_ms: 15_000,
  chain: null,
  log: pino({ level: "warn" }, pino.destination(2)),
  now_ms: Date.now,
  onFatal(error) {
    throw error;
  },
});
const tokens = Array.from({ length: connections }, () =>
  createEnrolToken({
    data_dir,
    url: `https://localhost:${registry.enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: "bench",
    valid_ms: 600_000,
    now_ms: Date.now(),
  }),
);
process.send!({ verify_per_s, tokens } satisfies ServerReady);
await once(process, "message");
const { kept, refused } = registry.counts();
await registry.stop();
rmSync(data_dir, { recursive: true });
process.send!({ kept, refused } satisfies ServerResult);
process.disconnect();

/** Signatures that one core checks a second, doing nothing else: the bound that the whole path is held against. */
function measureVerify(duration_ms: number): number {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const message = Buffer.alloc(1_100, 0x5a);
  const signature = signEs256(message, privateKey);
  const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  const from = performance.now();
  let count = 0;
  while (performance.now() - from < duration_ms) {
    for (let i = 0; i < 100; i += 1)
      if (!verify("sha256", message, key, signature)) throw new Error("not valid");
    count += 100;
  }
  return (count * 1000) / (performance.now() - from);
}
