import { readFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { eventsFilter } from "../../../protocol/topics.js";
import { runCaliber } from "./runCaliber.js";

export type Keeper = { received: { topic: string; envelope: Buffer }[]; stop(): Promise<void> };

/** A keeper as one would be: a certificate from `registry token keeper`, and MQTT over TLS. */
export async function startKeeper(data_dir: string, port: number): Promise<Keeper> {
  const args = [
    "--data-dir",
    join(data_dir, "registry"),
    "--name",
    "keeper",
    "--out",
    join(data_dir, "keeper"),
  ];
  const { code, out, err } = await runCaliber(["registry", "token", "keeper", ...args, "--json"]);
  if (code !== 0) throw new Error(err);
  const files = JSON.parse(out) as { key: string; certificate: string; ca: string };
  const client = await mqtt.connectAsync({
    protocol: "mqtts",
    host: "localhost",
    port,
    clientId: "keeper",
    protocolVersion: 4,
    key: readFileSync(files.key),
    cert: readFileSync(files.certificate),
    ca: readFileSync(files.ca),
    rejectUnauthorized: true,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
  });
  const received: Keeper["received"] = [];
  client.on("message", (topic, envelope) => received.push({ topic, envelope }));
  const [granted] = await client.subscribeAsync(eventsFilter, { qos: 1 });
  if (granted?.qos !== 1) throw new Error("the keeper may not read events");
  return { received, stop: () => client.endAsync(true) };
}
