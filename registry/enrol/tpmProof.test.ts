import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { TpmProof } from "../../protocol/enrol/enrolMessages.js";
import { residencyQualification } from "../../protocol/tpm/residencyQualification.js";
import { akAttributes, forgeResidency, nameOf, newKey, publicArea } from "../../test/support/forgedTpm.js";
import { tpmMaker } from "../../test/support/tpmMaker.js";
import { checkTpmProof } from "./checkTpmProof.js";
import { createNonces } from "./createNonces.js";
import { createTpmChallenges } from "./createTpmChallenges.js";
import type { EnrolContext } from "./enrolContext.js";
import { loadTpmRoots } from "./tpmRoots.js";
import { trustEndorsement } from "./trustEndorsement.js";

const coded = (code: string) => expect.objectContaining({ code });
const spkiText = (key: KeyObject): string => spkiOf(key).toString("base64");
const tokenHash = "ab".repeat(32);
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-roots-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("checkTpmProof", () => {
  const [ek, ak, hostKey] = [newKey(), newKey(), newKey()];
  const deviceKeys = [newKey(), newKey()];
  const akArea = publicArea(ak, akAttributes);
  const ek_sha256 = deviceIdOf(spkiOf(ek));
  const token = { expires_ms: 0, used_ms: null, recipient: "", operator: "", ek_sha256: [ek_sha256] };

  /** A registry, and all that a TPM with these keys would answer it: the unwrapped secret comes from the registry. */
  function setting() {
    const now_ms = (): number => 1_000_000;
    const context = {
      now_ms,
      nonces: createNonces(now_ms),
      tpmChallenges: createTpmChallenges(),
      tpmRoots: null,
    } as EnrolContext;
    const proof = (
      over: { token?: string; ak?: Buffer; nonce?: string; host?: KeyObject } = {},
    ): TpmProof => {
      const nonce = over.nonce ?? context.nonces.issue();
      const of = { nonce, token: over.token ?? tokenHash, ek_sha256, ak_name: nameOf(over.ak ?? akArea) };
      const qualification = residencyQualification(nonce, tokenHash, spkiOf(over.host ?? hostKey));
      return {
        nonce,
        activated: context.tpmChallenges.secret(of).toString("base64"),
        ek_spki: spkiText(ek),
        ak: akArea.toString("base64"),
        keys: deviceKeys.map((key) => {
          const { public: area, attest, signature } = forgeResidency(ak, key, qualification);
          return {
            public: area.toString("base64"),
            attest: attest.toString("base64"),
            signature: signature.toString("base64"),
          };
        }),
      };
    };
    const check = (one: TpmProof) =>
      checkTpmProof(
        one,
        {
          token,
          tokenHash,
          host_spki: spkiOf(hostKey),
          devices: deviceKeys.map((key) => ({ device: deviceIdOf(spkiOf(key)), spki: spkiOf(key) })),
        },
        context,
      );
    return { proof, check };
  }

  it("takes each challenge once", () => {
    const { proof, check } = setting();
    const one = proof();
    expect(check(one).tpm).toMatchObject({ ek_sha256, trust: "pinned", token: tokenHash, nonce: one.nonce });
    expect(() => check(one)).toThrow(coded("NONCE_SPENT"));
    expect(() => check(proof({ nonce: "0".repeat(64) }))).toThrow(coded("NONCE_UNKNOWN"));
  });

  it.each<[string, string, (good: (over?: object) => TpmProof) => TpmProof]>([
    [
      "a secret unwrapped for another token",
      "TPM_ACTIVATION_FAILED",
      (good) => good({ token: "cd".repeat(32) }),
    ],
    [
      "a secret unwrapped for another attestation key",
      "TPM_ACTIVATION_FAILED",
      (good) => good({ ak: publicArea(newKey(), akAttributes) }),
    ],
    [
      "a guess",
      "TPM_ACTIVATION_FAILED",
      (good) => ({ ...good(), activated: randomBytes(32).toString("base64") }),
    ],
    ["half a secret", "TPM_ACTIVATION_FAILED", (good) => ({ ...good(), activated: "AAAA" })],
    ["keys certified for another host", "TPM_RESIDENCY_INVALID", (good) => good({ host: newKey() })],
    ["a key too few", "TPM_MALFORMED", (good) => ({ ...good(), keys: good().keys.slice(1) })],
    ["keys in another order", "TPM_RESIDENCY_INVALID", (good) => reversed(good())],
    ["another endorsement key", "EK_UNTRUSTED", (good) => ({ ...good(), ek_spki: spkiText(newKey()) })],
    ["noise for an endorsement key", "EK_MALFORMED", (good) => ({ ...good(), ek_spki: "AAAA" })],
    ["noise for an attestation key", "TPM_MALFORMED", (good) => ({ ...good(), ak: "AA==" })],
  ])("refuses %s", (_, code, spoil) => {
    const { proof, check } = setting();
    expect(() => check(spoil(proof))).toThrow(coded(code));
  });
  const reversed = (proof: TpmProof): TpmProof => ({ ...proof, keys: [...proof.keys].reverse() });
});

describe("loadTpmRoots", () => {
  const year_ms = 366 * 86_400_000;
  const token = { expires_ms: 0, used_ms: null, recipient: "", operator: "", ek_sha256: [] };
  const ekOf = (key: KeyObject) => ({
    ek_spki: spkiText(key),
    pem: createPublicKey(key).export({ format: "pem", type: "spki" }) as string,
  });

  it("follows a certificate to its root, within its time", () => {
    const maker = tpmMaker(directory);
    const roots = loadTpmRoots(maker.roots);
    const { ek_spki, pem } = ekOf(newKey());
    const claim = { ek_spki, ek_certificate: maker.issue(pem).toString("base64") };
    const { evidence } = trustEndorsement(claim, { token, roots, now_ms: Date.now() });
    expect(evidence).toMatchObject({
      trust: "certified",
      root_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(() => trustEndorsement(claim, { token, roots, now_ms: Date.now() + year_ms })).toThrow(
      coded("EK_CERTIFICATE_EXPIRED"),
    );
  });

  it("takes the makers' own certificates for no endorsement key", () => {
    const maker = tpmMaker(directory);
    const { ek_spki, pem } = ekOf(newKey());
    const ek_certificate = maker.issue(pem, { isCa: true }).toString("base64");
    expect(() =>
      trustEndorsement(
        { ek_spki, ek_certificate },
        { token, roots: loadTpmRoots(maker.roots), now_ms: Date.now() },
      ),
    ).toThrow(coded("EK_CERTIFICATE_UNFIT"));
  });

  it("refuses a directory that cannot be what is meant", () => {
    const put = (name: string, text: string | Buffer): string => {
      const at = join(directory, name);
      mkdirSync(at);
      writeFileSync(join(at, "one.pem"), text);
      return at;
    };
    const maker = tpmMaker(directory);
    const leaf = maker.issue(ekOf(newKey()).pem);
    expect(() => loadTpmRoots(join(directory, "absent"))).toThrow(coded("TPM_ROOTS_INVALID"));
    expect(() => loadTpmRoots(put("noise", "noise"))).toThrow(coded("TPM_ROOTS_INVALID"));
    expect(() => loadTpmRoots(put("leaf", leaf))).toThrow(coded("TPM_ROOTS_INVALID"));
    expect(() => loadTpmRoots(put("half", maker.issuing))).toThrow(coded("TPM_ROOTS_INVALID"));
  });
});
