import { createPublicKey, generateKeyPairSync, hash } from "node:crypto";
import { connect } from "node:net";
import { inspect } from "node:util";
import pino from "pino";
import { createPublicClient, http } from "viem";
import { afterEach, describe, expect, it, vi } from "vitest";
import vector from "../../fixtures/vectors/replacement.json" with { type: "json" };
import { openEnvelope } from "../../protocol/dsse/openEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { openCheckpoint } from "../../protocol/log/checkpoint.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { verifyConsistency } from "../../protocol/merkle/verifyConsistency.js";
import { verifyInclusion } from "../../protocol/merkle/verifyInclusion.js";
import { busyTelemetry, inventoryOf, testChain } from "../../test/support/testReports.js";
import { createEventFeed } from "../events/eventFeed.js";
import { claimsOf } from "../health/claimsOf.js";
import { declaredOf } from "../health/declaredOf.js";
import { marksOf } from "../health/marksOf.js";
import { createCheckpointer } from "../log/checkpointer.js";
import { registryMetrics } from "../registryMetrics.js";
import { createReplacementDesk } from "../replacement/replacementDesk.js";
import { createReplacementOrders } from "../replacement/replacementOrders.js";
import { createUsageReader } from "../store/usage.js";
import { type Core, openCore, registryKey, testOrigin } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { type ApiServer, startApiServer } from "./apiServer.js";
import { createApiTokens } from "./apiTokens.js";
import { renderMetrics } from "./metrics.js";
import { createRoutes } from "./routes.js";

const logKey = generateKeyPairSync("ed25519").privateKey;
const contract = `0x${"cc".repeat(20)}`;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The API over a core with one device that has reported once. */
const start = async () => {
  const core: Core = openCore({ group_ms: 0 });
  ends.push(() => core.crash());
  const device = testDevice();
  core.enrol("h-1", [device]);
  const chain = testChain(device, "h-1");
  const report = async (presence: "present" | "lost" = "present"): Promise<void> => {
    const window = { start_ms: core.now_ms(), end_ms: core.advance(1000) };
    const body = { ...busyTelemetry, present_ms: 1000, presence };
    await core.ingest.take({
      host: "h-1",
      device: device.id,
      payload: chain.next("telemetry", body, window).bytes,
    });
    core.settle();
  };
  await report();
  const feed = createEventFeed(core.db, registryKey, "k");
  core.ledger.onFlush(feed.notify);
  const errors: string[] = [];
  const tokens = createApiTokens(core.db);
  let ok = true;
  let onChain = async (tokenId: bigint): Promise<unknown> => ({ tokenId, state: 1 });
  const devices = core.projector.fleet.devices;
  const server: ApiServer = await startApiServer({
    bind: "127.0.0.1",
    port: 0,
    tokens,
    feed,
    log: pino({ level: "warn" }, { write: (line: string) => void errors.push(line) }),
    routes: createRoutes({
      devices: () => devices.values(),
      findDevice: (id) => devices.get(id),
      usage: createUsageReader(core.db),
      feed,
      log: core.log,
      checkpointer: createCheckpointer(core.db, core.log, testOrigin, logKey),
      keys: { log_vkey: "v", registry_spki: "s", changes: [] },
      healthOnChain: (tokenId) => onChain(tokenId),
      metrics: () =>
        registryMetrics({
          devices: devices.values(),
          ingest: core.ingest.counts(),
          logSize: core.log.size(),
          connections: 3,
          chain: { rpc: "ok", pending: 2, fault: null, problems: [], balance_gwei: 1 },
          loans: null,
        }),
      replacements: createReplacementDesk(core.db, core.now_ms).all,
      loans: null,
      approver: null,
      health: () => ({ ok, checks: { log: ok ? "ok" : "no" } }),
      now_ms: core.now_ms,
    }),
  });
  ends.push(() => server.close());
  const token = tokens.create("test");
  const url = `http://127.0.0.1:${server.port}`;
  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  return {
    core,
    device,
    report,
    errors,
    token,
    tokens,
    server,
    url,
    get,
    // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, held against what is expected of it
    json: async (path: string): Promise<any> => (await get(path)).json(),
    feed,
    fail: () => {
      ok = false;
    },
    failChain: (error: unknown) => {
      onChain = () => Promise.reject(error);
    },
  };
};
type Started = Awaited<ReturnType<typeof start>>;

/** One request line, as no HTTP library would send it, and the status that comes back. */
const raw = ({ server }: Started, line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () =>
      socket.write(`${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
    );
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => resolve(text.split("\r\n")[0]!));
    socket.on("error", reject);
  });

describe("who may read", () => {
  it("asks for a token everywhere but at /healthz", async () => {
    const { url, token, fail } = await start();
    const statusOf = async (path: string, authorization?: string) =>
      (await fetch(`${url}${path}`, { headers: authorization === undefined ? {} : { authorization } }))
        .status;
    const paths = ["/metrics", "/v1/devices", "/v1/tokens", "/v1/events", "/v1/checkpoint", "/v1/keys"];
    paths.push("/v1/replacements");
    for (const path of [...paths, "/v1/log/entries/0", "/v1/log/proofs/0", "/v1/log/consistency"]) {
      expect([path, await statusOf(path)]).toEqual([path, 401]);
      expect([path, await statusOf(path, `Bearer ${token}`)]).toEqual([path, 200]);
    }
    for (const bad of [
      "",
      "Bearer",
      `bearer ${token}`,
      `Bearer ${token}x`,
      `Basic ${token}`,
      `Bearer ${"x".repeat(5000)}`,
    ]) {
      expect(await statusOf("/v1/devices", bad)).toBe(401);
    }
    const stream = await fetch(`${url}/v1/events`, { headers: { accept: "text/event-stream" } });
    expect([stream.status, stream.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await statusOf("/healthz")).toBe(200);
    fail();
    expect(await statusOf("/healthz")).toBe(503);
  });

  it("keeps the token's hash alone", async () => {
    const { core, token, tokens } = await start();
    const rows = core.db.prepare("SELECT * FROM api_token").all();
    expect(rows).toEqual([{ secret_sha256: hash("sha256", token, "hex"), name: "test" }]);
    expect([tokens.isKnown(token), tokens.isKnown(`${token} `)]).toEqual([true, false]);
  });

  it("listens where it is told to", async () => {
    const { server } = await start();
    // 127.0.0.2 is this machine too, and not where it listens.
    await expect(fetch(`http://127.0.0.2:${server.port}/healthz`)).rejects.toThrow();
  });
});

describe("what is not there", () => {
  it.each([
    ["/", 404, "NOT_FOUND"],
    ["/v1/devices/", 404, "NOT_FOUND"],
    [`/v1/devices/${"0".repeat(64)}`, 404, "DEVICE_UNKNOWN"],
    ["/v1/devices/../keys/x", 404, "NOT_FOUND"],
    ["/v1/tokens/1", 404, "TOKEN_UNKNOWN"],
    ["/v1/log/entries/999999", 404, "ENTRY_UNKNOWN"],
    ["/v1/log/proofs/999999", 404, "ENTRY_UNKNOWN"],
    ["/v1/log/proofs/3?size=3", 404, "ENTRY_UNKNOWN"],
    ["/v1/log/proofs/0?size=999999", 400, "QUERY_INVALID"],
    ["/v1/log/consistency?from=3&to=2", 400, "QUERY_INVALID"],
    ["/v1/events?after=-1", 400, "QUERY_INVALID"],
    ["/v1/events?after=1.5", 400, "QUERY_INVALID"],
    ["/v1/events?after=", 400, "QUERY_INVALID"],
    ["/v1/events?limit=1e3", 400, "QUERY_INVALID"],
  ])("%s is %i %s", async (path, status, code) => {
    const { get } = await start();
    const answer = await get(path);
    expect([answer.status, await answer.json()]).toEqual([status, { code, message: expect.any(String) }]);
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  it.each(["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])("%s is not for this API", async (method) => {
    const { get } = await start();
    const answer = await get("/v1/devices", { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"]);
  });

  it("answers targets that are no URL, and is not shaken by them", async () => {
    const started = await start();
    for (const line of ["GET //", "GET http://[", "GET /%", "GET ///v1/keys"]) {
      expect([line, await raw(started, line)]).toEqual([line, expect.stringMatching(/^HTTP\/1.1 404 /)]);
    }
    expect(started.errors).toEqual([]);
    expect((await started.get("/v1/keys")).status).toBe(200);
  });
});

describe("devices and tokens", () => {
  it("tell what is declared, reported and derived apart", async () => {
    const { core, device, json } = await start();
    const { devices, log_size } = await json("/v1/devices");
    expect([devices.length, log_size]).toEqual([1, core.log.size()]);
    expect(devices[0]).toEqual(await json(`/v1/devices/${device.id}`));
    expect(devices[0]).toMatchObject({
      device: device.id,
      subject: `urn:caliber:device:${device.id}`,
      simulated: true,
      declared: { host: "h-1", uuid: null },
      reported: { util_permille: 947, presence: "present" },
      derived: { state: "healthy", cause: "none", head_seq: 0, usage: { "1h": { uptime_permille: 1000 } } },
      assurance: { key: "software", identity: "declared", presence_at_ms: null },
      token: null,
    });
  });

  it("tell a token with its health on chain, and no more of the hardware than is public", async () => {
    const { core, device, json } = await start();
    const inventory = testChain(device, "h-1").draft("inventory", inventoryOf("GPU-a"), {
      start_ms: 0,
      end_ms: 0,
    });
    core.fold(device).inventory = {
      ...{ statement: "", idx: 0, name: null, serial: "S", weak_identity: "" },
      uuid: inventory.device,
      declared: declaredOf(inventoryOf("GPU-a")),
      claims: claimsOf(inventoryOf("GPU-a")),
      marks: marksOf(inventoryOf("GPU-a")),
      implausible: [],
      material: "secret",
    };
    const minted = {
      type: "minted",
      device: device.id,
      chain_id: 1,
      contract,
      token_id: "7",
      tx: "0x1",
      block: 1,
    };
    core.ledger.add("chain", minted);
    core.settle();
    expect(await json("/v1/tokens")).toEqual({
      tokens: [{ chain_id: 1, contract, token_id: "7", tx: "0x1", device: device.id, loan: null }],
    });
    expect(await json("/v1/tokens/7")).toMatchObject({
      device: device.id,
      subject: `did:erc721:1:${contract}:7`,
      on_chain: { tokenId: "7", state: 1 },
      on_chain_error: null,
    });
  });

  it("tell an order that another GPU stand in, and what is to be consented to", async () => {
    const { core, device, json } = await start();
    expect(await json("/v1/replacements")).toEqual({ replacements: [] });
    const orders = createReplacementOrders(core.db);
    orders.put("7", device.id);
    orders.tell("7", {
      asked: vector.replacement,
      consenter: vector.consenter,
      by_contract: false,
      problem: null,
    });
    expect(await json("/v1/replacements")).toMatchObject({
      replacements: [
        {
          token_id: "7",
          device: device.id,
          former: null,
          why: { code: "TOKEN_UNKNOWN" },
          typed_data: { message: { deviceKeyHash: `0x${vector.device}` } },
        },
      ],
    });
  });

  it("tell a token while the chain's node is away, and nobody the node's address", async () => {
    const { core, device, get, json, failChain, errors } = await start();
    core.ledger.add("chain", {
      type: "minted",
      device: device.id,
      chain_id: 1,
      contract,
      token_id: "7",
      tx: "0x1",
      block: 1,
    });
    core.settle();
    // As viem raises it: the address stands in the message, the stack, the URL and the causes.
    const node = "http://127.0.0.1:9/v2/provider-key";
    const client = createPublicClient({ transport: http(node, { retryCount: 0 }) });
    const away = await client.getBlockNumber().catch((error: unknown) => error);
    expect(inspect(away, { depth: 9 })).toContain("provider-key");
    for (const fault of [away, new Error("wrapped", { cause: away })]) {
      failChain(fault);
      const answer = await get("/v1/tokens/7");
      const body = await answer.text();
      expect([answer.status, JSON.parse(body)]).toEqual([
        200,
        {
          ...(await json(`/v1/devices/${device.id}`)),
          loan: null,
          on_chain: null,
          on_chain_error: "the chain could not be read",
        },
      ]);
      expect(body).not.toContain("provider-key");
    }
    expect(errors.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, path: "/v1/tokens/7", err: { name: "HttpRequestError", message: "HTTP request failed." } },
      { level: 40, path: "/v1/tokens/7", err: { name: "Error", message: "wrapped" } },
    ]);
    expect(errors.join("")).not.toContain("provider-key");
  });
});

describe("the log", () => {
  it("proves what it gives: entries, inclusion and consistency under a signed checkpoint", async () => {
    const { core, get, json, report } = await start();
    const open = async () =>
      openCheckpoint(await (await get("/v1/checkpoint")).text(), testOrigin, createPublicKey(logKey));
    const old = await open();
    for (let i = 0; i < 5; i += 1) await report();
    const checkpoint = await open();
    expect(checkpoint.size).toBe(core.log.size());
    const bytes = (hex: string) => Buffer.from(hex, "hex");
    for (let idx = 0; idx < checkpoint.size; idx += 1) {
      const entry = Buffer.from(await (await get(`/v1/log/entries/${idx}`)).arrayBuffer());
      const { proof, leaf } = await json(`/v1/log/proofs/${idx}?size=${checkpoint.size}`);
      expect(leafHash(entry)).toEqual(bytes(leaf));
      verifyInclusion(leafHash(entry), idx, checkpoint.size, proof.map(bytes), checkpoint.root);
    }
    const early = await json(`/v1/log/proofs/1?size=${old.size}`);
    verifyInclusion(bytes(early.leaf), 1, old.size, early.proof.map(bytes), old.root);
    const { proof } = await json(`/v1/log/consistency?from=${old.size}`);
    verifyConsistency(old.size, checkpoint.size, proof.map(bytes), old.root, checkpoint.root);
  });
});

describe("events", () => {
  it("are read in pages", async () => {
    const { json, report } = await start();
    await report("lost");
    await report();
    const first = await json("/v1/events?limit=2");
    expect([first.events.length, first.next]).toEqual([2, 2]);
    const rest = await json(`/v1/events?after=${first.next}`);
    expect(rest.events.map(({ id }: { id: number }) => id)).toEqual([3]);
    expect(await json("/v1/events?after=3")).toEqual({ events: [], next: 3 });
    const { event, envelope } = rest.events[0];
    expect(openEnvelope(Buffer.from(envelope), payloadTypes.event, createPublicKey(registryKey))).toEqual(
      event,
    );
  });

  const fill = ({ core, device }: Started, from: number, to: number, pad: number): void => {
    const insert = core.db.prepare("INSERT INTO event VALUES (?, ?, ?, 't', ?)");
    core.db.transaction(() => {
      for (let id = from; id <= to; id += 1) {
        insert.run(id, core.fold(device).id, id, JSON.stringify({ type: "t", id, pad: "x".repeat(pad) }));
      }
    })();
  };

  it("are read 200 at once, however many are asked for", async () => {
    const started = await start();
    fill(started, 2, 250, 0);
    const first = await started.json("/v1/events?limit=1000");
    expect([first.events.length, first.next]).toEqual([200, 200]);
    expect((await started.json("/v1/events?after=200&limit=1000")).next).toBe(250);
  });

  /** Reads a stream until it has given so many events. */
  const listen = async (
    { get }: Started,
    path: string,
    count: number,
    headers: Record<string, string> = {},
  ) => {
    const abort = new AbortController();
    const answer = await get(path, {
      headers: { accept: "text/event-stream", ...headers },
      signal: abort.signal,
    });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    const seen: { id: number; event: string; data: unknown }[] = [];
    const read = (async () => {
      let text = "";
      const decoder = new TextDecoder();
      for await (const chunk of answer.body!) {
        text += decoder.decode(chunk, { stream: true });
        for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
          const fields = new Map(
            text
              .slice(0, end)
              .split("\n")
              .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
          );
          text = text.slice(end + 2);
          const data = fields.get("data");
          if (data === undefined) continue;
          seen.push({
            id: Number(fields.get("id")),
            event: fields.get("event")!,
            data: openEnvelope(Buffer.from(data), payloadTypes.event, createPublicKey(registryKey)),
          });
          if (seen.length === count) return;
        }
      }
    })();
    return { seen, read: read.finally(() => abort.abort()) };
  };

  it("stream as they come, and go on where a reader was", async () => {
    const started = await start();
    const stream = await listen(started, "/v1/events", 3);
    await started.report("lost");
    await started.report();
    await stream.read;
    expect(stream.seen.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(stream.seen[1]).toMatchObject({
      event: "io.caliber.collateral.health.v1",
      data: { data: { current: "lost" } },
    });
    const resumed = await listen(started, "/v1/events", 2, { "last-event-id": "1" });
    await resumed.read;
    expect(resumed.seen).toEqual(stream.seen.slice(1));
    // What the browser sends as it reconnects outranks the address.
    const both = await listen(started, "/v1/events?after=0", 1, { "last-event-id": "2" });
    await both.read;
    expect(both.seen[0]?.id).toBe(3);
    const after = await listen(started, "/v1/events?after=2", 1);
    await after.read;
    expect(after.seen[0]?.id).toBe(3);
  });

  it.each([
    ["/v1/events?after=-1", {}],
    ["/v1/events?after=1.5", {}],
    ["/v1/events?after=", {}],
    ["/v1/events", { "last-event-id": "x" }],
    ["/v1/events?after=0", { "last-event-id": "1e3" }],
    ["/v1/events", { "last-event-id": "" }],
  ])("do not stream from a place that is none: %s %o", async (path, place) => {
    const { get } = await start();
    const answer = await get(path, { headers: { accept: "text/event-stream", ...place } });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { code: "QUERY_INVALID", message: expect.any(String) },
    ]);
  });

  it("stream with the headers of every other answer", async () => {
    const { get } = await start();
    const stream = await get("/v1/events", { headers: { accept: "text/event-stream" } });
    const page = await get("/v1/events");
    for (const name of ["cache-control", "x-content-type-options", "content-security-policy"]) {
      expect([name, stream.headers.get(name)]).toEqual([name, expect.any(String)]);
      expect(stream.headers.get(name)).toBe(page.headers.get(name));
    }
    await stream.body?.cancel();
  });

  it("stream to 64 readers at once, and to the next when one has gone", async () => {
    const { get } = await start();
    const open = () => get("/v1/events", { headers: { accept: "text/event-stream" } });
    const streams = await Promise.all(Array.from({ length: 64 }, open));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await open();
    expect([refused.status, await refused.json()]).toEqual([
      503,
      { code: "TOO_MANY_STREAMS", message: expect.any(String) },
    ]);
    expect((await get("/v1/events")).status).toBe(200);
    await streams[0]!.body?.cancel();
    await vi.waitFor(async () => {
      const next = await open();
      streams.push(next);
      expect(next.status).toBe(200);
    });
    await Promise.all(streams.slice(1).map(({ body }) => body?.cancel()));
  });

  it("wait for a slow reader without being held in memory, and lose none", async () => {
    const started = await start();
    const { server, token } = started;
    const total = 4000;
    fill(started, 2, total, 3000);
    const read = vi.spyOn(started.feed, "after");
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      `GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\naccept: text/event-stream\r\n\r\n`,
    );
    let text = "";
    // Takes the head of the answer, and then nothing for a while: what is on its way fills the buffers.
    await new Promise<void>((resolve) => socket.once("readable", () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const lastRead = (): number => read.mock.results.at(-1)!.value.at(-1)?.id ?? total;
    const stalledAt = lastRead();
    expect(stalledAt).toBeLessThan(total);
    // News does not make it read on either.
    started.feed.notify();
    expect(lastRead()).toBe(stalledAt);
    expect((await started.get("/healthz")).status).toBe(200);
    await new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        if (text.slice(-8000).includes(`\nid: ${total}\n`)) resolve();
      });
    });
    const ids = [...text.matchAll(/^id: ([0-9]+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    socket.destroy();
  });

  it("end with the server, readers or none", async () => {
    const started = await start();
    const stream = await listen(started, "/v1/events", 99);
    const ended = vi.fn();
    stream.read.then(ended, ended);
    await started.server.close();
    await vi.waitFor(() => expect(ended).toHaveBeenCalled());
    ends.splice(1);
  });
});

describe("metrics", () => {
  /** The text format 0.0.4, strictly enough. */
  const parse = (text: string) => {
    const samples = new Map<string, number>();
    const types = new Map<string, string>();
    expect(text.endsWith("\n")).toBe(true);
    for (const line of text.trimEnd().split("\n")) {
      const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
      if (type !== null) types.set(type[1]!, type[2]!);
      else if (!/^# HELP [a-z_]+ \S/.test(line)) {
        const sample = /^([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"\})? (-?[0-9.e+]+)$/.exec(line);
        if (sample === null) throw new Error(`not a sample: ${line}`);
        expect(types.has(sample[1]!)).toBe(true);
        samples.set(`${sample[1]}${sample[2] ?? ""}`, Number(sample[3]));
      }
    }
    return { samples, types };
  };

  it("parse, and count what happened", async () => {
    const { core, device, get, report } = await start();
    await report("lost");
    await core.ingest.take({ host: "h-1", device: device.id, payload: Buffer.from("garbage") });
    const answer = await get("/metrics");
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    const { samples, types } = parse(await answer.text());
    expect(Object.fromEntries(samples)).toMatchObject({
      'caliber_devices{state="lost"}': 1,
      'caliber_devices{state="healthy"}': 0,
      caliber_tokens: 0,
      caliber_log_entries: core.log.size(),
      caliber_broker_connections: 3,
      caliber_reports_kept_total: 2,
      caliber_reports_refused_total: 1,
      caliber_chain_up: 1,
      caliber_chain_intents_pending: 2,
    });
    expect(types.get("caliber_reports_kept_total")).toBe("counter");
  });

  it("escape what a label holds", () => {
    const text = renderMetrics([
      { name: "m", help: "h", type: "gauge", samples: [{ labels: { l: 'a"b\\c\nd' }, value: 1 }] },
    ]);
    expect(text).toBe('# HELP m h\n# TYPE m gauge\nm{l="a\\"b\\\\c\\nd"} 1\n');
    expect(parse(text).samples.size).toBe(1);
  });
});
