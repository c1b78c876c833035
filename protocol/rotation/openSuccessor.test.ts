import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/rotation.json" with { type: "json" };
import { deviceIdOf } from "../crypto/deviceIdOf.js";
import { signEs256 } from "../crypto/signEs256.js";
import { publicKeyFromSpki, spkiOf } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { titleRotationMessage } from "../mint/titleRotationMessage.js";
import type { Report, RotateReport, RotateTitleReport } from "../report/schema.js";
import { openSuccessor } from "./openSuccessor.js";
import { rotationMessage } from "./rotationMessage.js";

const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const idOf = (key: KeyObject): string => deviceIdOf(spkiOf(key));
const old = idOf(newKey());
const next = newKey();
const bodyOf = (key: KeyObject, message: Buffer, signer = key) => ({
  successor_spki: spkiOf(key).toString("base64"),
  proof: signEs256(message, signer).toString("hex"),
});
const refused = expect.objectContaining({ code: "SUCCESSOR_INVALID" });

describe("the rotation vector", () => {
  it("opens to its successor, over the message that it signed", () => {
    const { device, successor, reports } = vector;
    expect(rotationMessage(device, successor).toString("hex")).toBe(vector.message);
    const { body } = JSON.parse(reports[0]!.payload) as RotateReport;
    const opened = openSuccessor({ device, body });
    expect([opened.device, opened.spki.toString("hex")]).toEqual([successor, vector.successor_spki]);
    const links = reports.map(({ payload }) => JSON.parse(payload) as Report);
    expect(links.slice(1).map(({ prev }) => prev)).toEqual(
      reports.slice(0, -1).map(({ statement }) => statement),
    );
  });
});

describe("the rotation vector's title", () => {
  it("is signed by both keys, over the report that led from one to the other", () => {
    const [rotate, told] = vector.reports;
    const { body } = JSON.parse(told!.payload) as RotateTitleReport;
    expect(body.rotation.evidence).toBe(`0x${rotate!.statement}`);
    const message = titleRotationMessage(body.rotation);
    expect(message.toString("hex")).toBe(vector.title_message);
    for (const [spki, signature] of [
      [vector.device_spki, body.old_signature],
      [vector.successor_spki, body.new_signature],
    ] as const) {
      const key = publicKeyFromSpki(Buffer.from(spki, "hex"));
      expect(() => verifyEs256(message, Buffer.from(signature, "hex"), key)).not.toThrow();
    }
  });
});

describe("openSuccessor", () => {
  it("gives the key that has agreed to take over from this device", () => {
    const successor = openSuccessor({ device: old, body: bodyOf(next, rotationMessage(old, idOf(next))) });
    expect(successor.device).toBe(idOf(next));
    expect(successor.spki).toEqual(spkiOf(next));
  });

  it("refuses a key that somebody else vouches for, or that agreed to take over from another device", () => {
    const other = newKey();
    const message = rotationMessage(old, idOf(next));
    expect(() => openSuccessor({ device: old, body: bodyOf(next, message, other) })).toThrow(refused);
    expect(() => openSuccessor({ device: idOf(other), body: bodyOf(next, message) })).toThrow(refused);
  });

  it("refuses the key that there is, and what is no canonical key", () => {
    const device = idOf(next);
    const body = bodyOf(next, rotationMessage(device, device));
    expect(() => openSuccessor({ device, body })).toThrow(refused);
    const broken = Buffer.from(spkiOf(next));
    broken[26] = 2;
    expect(() =>
      openSuccessor({ device: old, body: { ...body, successor_spki: broken.toString("base64") } }),
    ).toThrow(refused);
  });
});
