import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { createCa } from "../../registry/enrol/createCa.js";
import { issueClientCertificate } from "../../registry/enrol/issueClientCertificate.js";
import { issueServerCertificate } from "../../registry/enrol/issueServerCertificate.js";
import { checkCertificate } from "./checkCertificate.js";
import { checkDataDir } from "./checkDataDir.js";
import { checkReach } from "./checkReach.js";
import { reachBroker } from "./reachBroker.js";
import { registryOffset } from "./registryOffset.js";

const now_ms = Date.now();
const ca = createCa({ commonName: "test", now_ms });
const stranger = createCa({ commonName: "stranger", now_ms });
const hostKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const clientOf = (issuer: typeof ca) => ({
  certificate: issueClientCertificate(issuer, { role: "host", id: "h-test" }, spkiOf(hostKey), {
    now_ms,
    lifetime_ms: 3_600_000,
  }),
  key: hostKey.export({ format: "pem", type: "pkcs8" }) as string,
});

type Server = {
  listen(port: number, host: string, done: () => void): unknown;
  close(): unknown;
  address(): unknown;
};
let servers: Server[] = [];
const listen = async (server: Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
};
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
});
const broker = (names: string[], issuer = ca) =>
  listen(
    createTls({ ...issueServerCertificate(issuer, names, now_ms), requestCert: true }, (socket) =>
      socket.on("error", () => undefined),
    ),
  );
const reach = (url: string, client: ReturnType<typeof clientOf> | null = clientOf(ca)) =>
  reachBroker({ url, ca: ca.certificate, client, timeout_ms: 500 });

describe("reachBroker", () => {
  it("comes through to a broker that takes the host's certificate", async () => {
    const port = await broker(["localhost", "127.0.0.1"]);
    expect(await reach(`mqtts://127.0.0.1:${port}`)).toEqual({ step: "done", address: `127.0.0.1:${port}` });
    expect(await reach(`mqtts://localhost:${port}`)).toMatchObject({ step: "done" });
  });

  it("says at which step it failed", async () => {
    expect(await reach("mqtts://no-such-host.invalid:8883")).toMatchObject({ step: "name" });
    const shut = await listen(createTcp());
    servers.pop()?.close();
    expect(await reach(`mqtts://127.0.0.1:${shut}`)).toMatchObject({ step: "tcp", code: "ECONNREFUSED" });
    const mute = await listen(createTcp((socket) => socket.on("error", () => undefined)));
    expect(await reach(`mqtts://127.0.0.1:${mute}`)).toMatchObject({ step: "tls", code: "ETIMEDOUT" });
    const other = await broker(["127.0.0.1"], stranger);
    expect(await reach(`mqtts://127.0.0.1:${other}`)).toMatchObject({ step: "tls" });
    const misnamed = await broker(["elsewhere.example"]);
    expect(await reach(`mqtts://127.0.0.1:${misnamed}`)).toMatchObject({
      step: "tls",
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
    const strict = await broker(["127.0.0.1"]);
    expect(await reach(`mqtts://127.0.0.1:${strict}`, clientOf(stranger))).toMatchObject({ step: "refused" });
  });
});

describe("checkReach", () => {
  it("has a sentence and a fix for each step", async () => {
    const at = async (step: "done" | "key" | "name" | "tcp" | "tls" | "refused") =>
      checkReach({ id: "broker", name: "The broker" }, async () => ({
        step,
        address: "b:1",
        code: "EWHY",
      })).run();
    expect(await at("done")).toMatchObject({ status: "ok", fix: null });
    for (const step of ["key", "name", "tcp", "tls", "refused"] as const) {
      const found = await at(step);
      expect(found).toMatchObject({ status: "fail", says: expect.stringContaining("EWHY") });
      expect(found.fix).not.toBeNull();
    }
  });
});

describe("registryOffset", () => {
  it("compares with the registry's clock, within its uncertainty", async () => {
    const server = createHttps(issueServerCertificate(ca, ["127.0.0.1"], now_ms), (_request, response) => {
      response.end("{}");
    });
    const url = `https://127.0.0.1:${await listen(server)}`;
    const here = await registryOffset(url, ca.certificate, Date.now);
    expect(Math.abs(here!.ahead_ms)).toBeLessThanOrEqual(here!.error_ms);
    const ahead = await registryOffset(url, ca.certificate, () => Date.now() + 90_000);
    expect(Math.abs(ahead!.ahead_ms - 90_000)).toBeLessThanOrEqual(ahead!.error_ms);
    server.close();
    server.closeAllConnections();
    servers.pop();
    expect(await registryOffset(url, ca.certificate, Date.now)).toBe(null);
  });
});

describe("certificate", () => {
  const { certificate } = clientOf(ca);
  it.each([
    [0, "ok", "is valid until"],
    [50 * 60_000, "warn", "was not renewed yet"],
    [61 * 60_000, "fail", "ended on"],
    [-25 * 3_600_000, "fail", "is not valid before"],
  ])("%d ms after it was issued it is %s", async (elapsed_ms, status, says) => {
    expect(await checkCertificate(certificate, now_ms + elapsed_ms).run()).toMatchObject({
      status,
      says: expect.stringContaining(says),
    });
  });
});

describe("data-dir", () => {
  let data_dir: string;
  const uid = process.getuid!();
  beforeEach(() => {
    data_dir = mkdtempSync(join(tmpdir(), "caliber-doctor-"));
    mkdirSync(join(data_dir, "keys"), { mode: 0o700 });
    writeFileSync(join(data_dir, "keys", "host.pem"), "", { mode: 0o600 });
    writeFileSync(join(data_dir, "identity.json"), "{}", { mode: 0o600 });
  });
  afterEach(() => {
    rmSync(data_dir, { recursive: true });
  });

  it("is well when it is its owner's alone", async () => {
    expect(await checkDataDir(data_dir, uid).run()).toMatchObject({ status: "ok" });
  });

  it.each([".", "keys", "keys/host.pem", "identity.json"])("fails when others may read %s", async (name) => {
    chmodSync(join(data_dir, name), 0o755);
    expect(await checkDataDir(data_dir, uid).run()).toMatchObject({
      status: "fail",
      says: expect.stringContaining("Others may enter or read"),
    });
  });

  it("fails when it is another's, or not there", async () => {
    expect(await checkDataDir(data_dir, uid + 1).run()).toMatchObject({
      status: "fail",
      says: `${data_dir} belongs to user ${uid}, and this is user ${uid + 1}.`,
    });
    expect(await checkDataDir(join(data_dir, "none"), uid).run()).toMatchObject({ status: "fail" });
  });
});
