import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evidenceGaps } from "../../../protocol/evidence/evidenceChecks.js";
import {
  syntheticDevice,
  syntheticNonce,
  syntheticNow_ms,
} from "../../../protocol/evidence/testing/syntheticDevice.js";
import type { Io } from "../../io.js";
import { evidenceText } from "./evidenceText.js";
import { run } from "./verify.js";
import { verifyAll } from "./verifyAll.js";

const samples = resolve(process.env.CALIBER_SAMPLES ?? "../shared/samples", "attestation");
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(samples) && process.env.CI !== "true";

const device = syntheticDevice();
const nonce = syntheticNonce.toString("hex");
let dir: string;
let out: string;
let err: string;
const io: Io = {
  out: (text) => {
    out += text;
  },
  err: (text) => {
    err += text;
  },
};
const file = (name: string, content: string | Buffer): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-evidence-"));
  [out, err] = ["", ""];
});
afterEach(() => rmSync(dir, { recursive: true }));

describe.skipIf(skip)("caliber evidence verify, with NVIDIA's own evidence", () => {
  const hopper = [
    "--report",
    `${samples}/hopperAttestationReport.txt`,
    "--chain",
    `${samples}/hopperCertChain.txt`,
  ];

  it("tells the model's facts, the identity, and what was not checked", async () => {
    expect(await run(hopper, io)).toBe(0);
    for (const fact of ["gpu, hopper, chip GH100 A01", "535.86.09", "96.00.5E.00.01", "NOT checked:"]) {
      expect(out).toContain(fact);
    }
    for (const gap of ["nonce", "rim", "ocsp", "inventory", "location"] as const) {
      expect(out).toContain(`  ${gap.padEnd(11)} ${evidenceGaps[gap]}`);
    }
    expect(err).toBe("");
  });

  it("prints JSON, and counts the nonce as checked where it was given", async () => {
    const wanted = "27A328247BF7935C993341CF587BE6F05986CCCE4FE7BA2C54100BD616A58F66";
    expect(await run([...hopper, "--nonce", wanted, "--json"], io)).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      evidences: [
        { verified: true, evidence: { chip: "GH100", checked: expect.arrayContaining(["nonce"]) } },
      ],
    });
  });

  it("refuses another nonce", async () => {
    expect(await run([...hopper, "--nonce", nonce], io)).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("EVIDENCE_NONCE_MISMATCH");
  });

  it("refuses the report that NVIDIA broke", async () => {
    const broken = `${samples}/hopperAttestationReportInvalidSignature.txt`;
    expect(await run(["--report", broken, ...hopper.slice(2)], io)).toBe(1);
    expect(err).toContain("EVIDENCE_SIGNATURE_INVALID");
  });

  it("takes a whole machine from nvattest", async () => {
    expect(await run(["--nvattest", `${samples}/ppcie-gpu_evidence.json`, "--json"], io)).toBe(0);
    expect(JSON.parse(out).evidences).toHaveLength(8);
  });
});

describe("caliber evidence verify", () => {
  it("tells its options", async () => {
    expect(await run(["--help"], io)).toBe(0);
    expect(out).toContain("caliber evidence verify --report FILE --chain FILE");
  });

  it("trusts no root but NVIDIA's", async () => {
    const options = ["--report", file("r", device.report()), "--chain", file("c", device.chain)];
    expect(await run(options, io)).toBe(1);
    expect(err).toBe(
      "caliber: the evidence is refused: the chain does not end in the pinned root (EVIDENCE_CHAIN_ROOT_UNKNOWN)\n",
    );
    expect(await run([...options, "--json"], io)).toBe(1);
    expect(JSON.parse(out)).toEqual({
      evidences: [
        {
          verified: false,
          error: {
            code: "EVIDENCE_CHAIN_ROOT_UNKNOWN",
            message: "the chain does not end in the pinned root",
          },
        },
      ],
    });
  });

  it("names each evidence of a machine that is refused", async () => {
    const item = {
      evidence: device.report().toString("base64"),
      certificate: Buffer.from(device.chain).toString("base64"),
    };
    expect(await run(["--nvattest", file("n", JSON.stringify([item, item]))], io)).toBe(1);
    expect(err.match(/evidence [01] is refused/g)).toEqual([
      "evidence 0 is refused",
      "evidence 1 is refused",
    ]);
  });

  it.each([
    ["no report", ["--chain", "c"], "OPTION_MISSING"],
    ["no chain", ["--report", "r"], "OPTION_MISSING"],
    ["nvattest beside a report", ["--nvattest", "n", "--report", "r"], "OPTION_INVALID"],
    ["a nonce of 31 bytes", ["--nonce", "00".repeat(31)], "OPTION_INVALID"],
    ["a file that is not there", ["--report", "/nonexistent/r", "--chain", "c"], "EVIDENCE_FILE_UNREADABLE"],
  ])("wants a right command line: %s", async (_, argv, code) => {
    await expect(run(argv, io)).rejects.toMatchObject({ code, disposition: "user" });
  });

  it("reads no file of any size", async () => {
    const path = file("big", Buffer.alloc(4 * 1024 * 1024 + 1));
    await expect(run(["--nvattest", path], io)).rejects.toMatchObject({ code: "EVIDENCE_FILE_TOO_LARGE" });
  });

  it("refuses what is no evidence", async () => {
    await expect(run(["--nvattest", file("n", "{}")], io)).rejects.toMatchObject({
      code: "EVIDENCE_NVATTEST_MALFORMED",
    });
    const argv = ["--report", file("r", "123"), "--chain", file("c", "")];
    await expect(run(argv, io)).rejects.toMatchObject({ code: "EVIDENCE_ENCODING_INVALID" });
  });
});

describe("verifyAll", () => {
  const { root_sha256 } = device;
  const expected = { nonce, kind: "any", now_ms: syntheticNow_ms, root_sha256 } as const;
  const good = { report: device.report(), chain: device.chain };

  it("goes on after a refusal", () => {
    const bad = { ...good, report: device.report({ nonce: Buffer.alloc(32) }) };
    expect(verifyAll([bad, good], expected)).toMatchObject([
      { verified: false, error: { code: "EVIDENCE_NONCE_MISMATCH" } },
      { verified: true, evidence: { chip: "GH100" } },
    ]);
  });

  it("throws what is no refusal", () => {
    const broken = { report: null as unknown as Buffer, chain: device.chain };
    expect(() => verifyAll([broken], expected)).toThrow(TypeError);
  });

  it("gives what evidenceText tells, padding included", () => {
    const [verdict] = verifyAll(
      [{ ...good, report: Buffer.concat([good.report, Buffer.alloc(3)]) }],
      expected,
    );
    if (verdict?.verified !== true) throw new Error("not verified");
    const text = evidenceText(verdict.evidence);
    expect(text).toContain("3 zero bytes, signed by nobody");
    expect(text).toContain(verdict.evidence.strong_identity);
    expect(text).not.toContain(`  nonce       ${evidenceGaps.nonce}`);
  });
});
