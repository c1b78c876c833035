import { createPublicKey } from "node:crypto";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import type { HeadBody, ReceiptBody } from "../../protocol/down/downMessage.js";
import { openDown } from "../../protocol/down/openDown.js";
import { followRegistryKey } from "../../protocol/registryKey/followRegistryKey.js";
import { downTopic, reportTopic } from "../../protocol/topics.js";
import { sha256, type TestHost } from "../support/testHost.js";

export type Answer = { kept: number } | { refused: string };

/** A host's connection, good or bad: publishes what it is told and opens every signed receipt. */
export async function badClient(host: TestHost, overrides: Partial<IClientOptions> = {}) {
  const url = new URL(host.answer.mqtt_url);
  const client: MqttClient = connect({
    protocol: "mqtts",
    host: url.hostname,
    port: Number(url.port),
    protocolVersion: 4,
    reconnectPeriod: 0,
    clientId: host.answer.host,
    ca: host.answer.ca,
    cert: host.answer.certificate,
    key: host.key.export({ type: "pkcs8", format: "pem" }) as string,
    ...overrides,
  });
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.on("error", reject);
    client.once("close", () => reject(new Error("closed")));
  });
  const keyOf = (spki: string) =>
    createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });
  let registrySpki = host.answer.registry_spki;
  const own = host.answer.host;
  const kept = new Map<string, number>();
  const refused = new Map<string, string>();
  const heads = new Map<string, HeadBody>();
  const waiting = new Set<() => void>();
  let answers = 0;
  let lastSeq = 0;
  client.on("message", (_topic, payload) => {
    // Throws, and fails the run, for what is not signed by the registry for this host in ascending order.
    const message = openDown(payload, keyOf(registrySpki), { host: own, lastSeq, now_ms: Date.now() });
    lastSeq = message.seq;
    if (message.body.type === "registry-key") {
      const { change } = message.body;
      registrySpki = followRegistryKey(registrySpki, "receipt", host.answer.log_origin, [change]);
    }
    if (message.body.type === "head") heads.set(message.body.nonce, message.body);
    if (message.body.type === "receipt") take(message.body);
    for (const wake of waiting) wake();
  });
  const take = (receipt: ReceiptBody): void => {
    answers += receipt.kept.length + receipt.refused.length;
    for (const { statement, idx } of receipt.kept) kept.set(statement, idx);
    for (const { digest, code } of receipt.refused) refused.set(digest, code);
  };
  await client.subscribeAsync(downTopic(own), { qos: 1 });

  return {
    client,
    kept,
    refused,
    /** The registry's key that is trusted by now, base64. */
    registrySpki: () => registrySpki,
    /** Heads by the nonce that they answer. */
    heads,
    /** How many reports have been answered so far, one way or the other. */
    answers: () => answers,
    /** Waits for signed receipts until it is so. */
    until: (isSo: () => boolean): Promise<void> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("no receipt came")), 10_000);
        const look = (): void => {
          if (!isSo()) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    publish: (device: string, payload: Buffer, as = own) =>
      client.publishAsync(reportTopic(as, device), payload, { qos: 1 }),
    /** Publishes one report and gives what the signed receipt says of it. */
    async send(device: string, payload: Buffer, statement?: string): Promise<Answer> {
      const digest = sha256(payload);
      refused.delete(digest);
      if (statement !== undefined) kept.delete(statement);
      await this.publish(device, payload);
      const place = (): number | undefined => (statement === undefined ? undefined : kept.get(statement));
      await this.until(() => refused.has(digest) || place() !== undefined);
      const code = refused.get(digest);
      return code === undefined ? { kept: place()! } : { refused: code };
    },
  };
}

export type BadClient = Awaited<ReturnType<typeof badClient>>;
