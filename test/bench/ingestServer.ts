import { generateKeyPairSync, verify } from "node:crypto";
import { once } from "node:events";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { startBenchRegistry } from "./startBenchRegistry.js";

export type ServerReady = { verify_per_s: number; tokens: string[] };
export type ServerResult = { kept: number; refused: number; verify_per_s: number };

const [{ connections }] = (await once(process, "message")) as [{ connections: number }];
const verify_per_s = measureVerify(3_000);
const bench = await startBenchRegistry();
const tokens = Array.from({ length: connections }, bench.createToken);
process.send!({ verify_per_s, tokens } satisfies ServerReady);
await once(process, "message");
const { kept, refused } = bench.registry.counts();
await bench.stop();
process.send!({ kept, refused, verify_per_s: measureVerify(3_000) } satisfies ServerResult);
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
