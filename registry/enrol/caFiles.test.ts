import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { identityOfCertificate } from "../../protocol/x509/identityOfCertificate.js";
import { writePrivateFile } from "../keys/writePrivateFile.js";
import { type Ca, createCa } from "./createCa.js";
import { ipBytes } from "./ipBytes.js";
import { issueServerCertificate } from "./issueServerCertificate.js";
import { keeperCertificate } from "./keeperCertificate.js";
import { loadCa } from "./loadCa.js";
import { openCa } from "./openCa.js";
import { saveCa } from "./saveCa.js";

vi.mock(import("../keys/writePrivateFile.js"), async (original) => ({
  writePrivateFile: vi.fn((await original()).writePrivateFile),
}));

const now_ms = Date.UTC(2026, 10, 21);
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-ca-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("the CA's file", () => {
  it("is made once and found again", () => {
    const inner = join(directory, "ca");
    expect(loadCa(inner)).toBeNull();
    const first = openCa(inner, { commonName: "caliber CA", now_ms });
    const second = openCa(inner, { commonName: "caliber CA", now_ms });
    expect(second.certificate).toBe(first.certificate);
    expect(new X509Certificate(second.certificate).checkPrivateKey(second.key)).toBe(true);
    expect(readdirSync(inner)).toEqual(["ca.pem"]);
    expect(statSync(join(inner, "ca.pem")).mode & 0o777).toBe(0o600);
  });

  it("is never replaced", () => {
    saveCa(directory, createCa({ commonName: "a", now_ms }));
    const before = readFileSync(join(directory, "ca.pem"), "utf8");
    expect(() => saveCa(directory, createCa({ commonName: "b", now_ms }))).toThrow(
      expect.objectContaining({ code: "EEXIST" }),
    );
    expect(readFileSync(join(directory, "ca.pem"), "utf8")).toBe(before);
    expect(readdirSync(directory)).toEqual(["ca.pem"]);
  });

  it("is refused when others can read it, or when it holds something else", () => {
    saveCa(directory, createCa({ commonName: "a", now_ms }));
    const path = join(directory, "ca.pem");
    chmodSync(path, 0o640);
    expect(() => loadCa(directory)).toThrow(expect.objectContaining({ code: "KEY_FILE_PERMISSIONS" }));
    chmodSync(path, 0o600);
    const [key] = readFileSync(path, "utf8").split("-----BEGIN CERTIFICATE");
    for (const text of ["", "x", key + createCa({ commonName: "b", now_ms }).certificate]) {
      writeFileSync(path, text);
      expect(() => loadCa(directory)).toThrow(expect.objectContaining({ code: "CA_MALFORMED" }));
    }
  });
});

describe("certificates by the CA", () => {
  it("names hosts and addresses for a server", () => {
    const ca = createCa({ commonName: "a", now_ms });
    const tls = issueServerCertificate(ca, ["localhost", "127.0.0.1", "::1"], now_ms);
    const server = new X509Certificate(tls.cert);
    expect(server.checkHost("localhost")).toBe("localhost");
    expect([server.checkIP("127.0.0.1"), server.checkIP("::1")]).toEqual(["127.0.0.1", "::1"]);
    expect(server.checkPrivateKey(createPrivateKey(tls.key))).toBe(true);
    expect(tls.cert.endsWith(ca.certificate)).toBe(true);
  });

  it("writes a keeper's files for the keeper alone", () => {
    const ca = createCa({ commonName: "a", now_ms });
    const files = keeperCertificate(ca, { keeper: "desk", directory, now_ms, lifetime_ms: 86_400_000 });
    for (const path of Object.values(files)) expect(statSync(path).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(readFileSync(files.certificate));
    expect(identityOfCertificate(certificate.raw)).toEqual({ role: "keeper", id: "desk" });
    expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(files.key)))).toBe(true);
    expect(certificate.verify(new X509Certificate(readFileSync(files.ca)).publicKey)).toBe(true);
    const again = { keeper: "desk", directory, now_ms, lifetime_ms: 1 };
    expect(() => keeperCertificate(ca, again)).toThrow(expect.objectContaining({ code: "EEXIST" }));
  });

  it.each([1, 2, 3])("goes on with a keeper's files when killed before writing the %ith", (nth) => {
    const ca = createCa({ commonName: "a", now_ms });
    const issue = () => keeperCertificate(ca, { keeper: "desk", directory, now_ms, lifetime_ms: 86_400_000 });
    const whole = vi.mocked(writePrivateFile).getMockImplementation()!;
    let written = 0;
    vi.mocked(writePrivateFile).mockImplementation((path, text) => {
      written += 1;
      if (written === nth) throw new Error("killed");
      whole(path, text);
    });
    expect(issue).toThrow("killed");
    expect(readdirSync(directory)).toHaveLength(nth - 1);
    vi.mocked(writePrivateFile).mockImplementation(whole);

    const files = issue();
    const certificate = new X509Certificate(readFileSync(files.certificate));
    expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(files.key)))).toBe(true);
    expect(readFileSync(files.ca, "utf8")).toBe(ca.certificate);
    const set = () => Object.values(files).map((path) => readFileSync(path, "utf8"));
    const before = set();
    expect(issue).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(set()).toEqual(before);
  });

  it("makes no keeper's certificate beside another CA's", () => {
    const issue = (ca: Ca) => keeperCertificate(ca, { keeper: "desk", directory, now_ms, lifetime_ms: 1 });
    const files = issue(createCa({ commonName: "a", now_ms }));
    rmSync(files.certificate);
    const other = createCa({ commonName: "b", now_ms });
    expect(() => issue(other)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(readdirSync(directory).sort()).toEqual(["desk.ca.pem", "desk.key.pem"]);
  });

  it.each(["h-0", "a/b", "A", ""])("names no keeper %j", (keeper) => {
    const ca = createCa({ commonName: "a", now_ms });
    expect(() => keeperCertificate(ca, { keeper, directory, now_ms, lifetime_ms: 1 })).toThrow(
      expect.objectContaining({ code: "KEEPER_NAME_INVALID" }),
    );
  });
});

describe("ipBytes", () => {
  it.each([
    ["10.0.0.255", "0a0000ff"],
    ["::1", "00000000000000000000000000000001"],
    ["::", "00000000000000000000000000000000"],
    ["2001:DB8::a:0:1", "20010db8000000000000000a00000001"],
    ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ])("%s", (address, hex) => {
    expect(ipBytes(address).toString("hex")).toBe(hex);
  });

  it.each(["fe80::1%eth0", "localhost", "1.2.3"])("refuses %s", (address) => {
    expect(() => ipBytes(address)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
  });
});
