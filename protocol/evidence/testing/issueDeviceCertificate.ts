import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { decodeDer } from "../../x509/decodeDer.js";
import { type DerNode, der } from "../../x509/der.js";
import { encodeDer } from "../../x509/encodeDer.js";
import { x509Oids } from "../../x509/x509Oids.js";
import { evidenceOids } from "../evidenceOids.js";

/** What a test's certificate says; every part can be made wrong. */
export type DeviceCertificate = {
  /** Private key of the subject, of any kind. */
  key: KeyObject;
  issuerKey: KeyObject;
  subject: DerNode;
  issuer: DerNode;
  serial: Buffer;
  is_ca: boolean;
  path_length?: number;
  key_usage: number;
  device_names?: string[];
  /** In place of the SPKI of `key`. */
  spki?: Buffer;
  fwid?: { digest: Buffer; form: "composite" | "tcb" };
  not_before_ms: number;
  not_after_ms: number;
  digest: "sha256" | "sha384";
  extra?: DerNode[];
};

const algorithms = { sha256: x509Oids.ecdsaWithSha256, sha384: evidenceOids.ecdsaWithSha384 };

/** One certificate of a synthetic device chain: DER. */
export function issueDeviceCertificate(options: DeviceCertificate): Buffer {
  const spki = options.spki ?? createPublicKey(options.key).export({ format: "der", type: "spki" });
  const algorithm = der.sequence(der.oid(algorithms[options.digest]));
  const tbs = der.sequence(
    der.tagged(0, der.integer(Buffer.of(2))),
    der.integer(options.serial),
    algorithm,
    options.issuer,
    der.sequence(der.time(options.not_before_ms), der.time(options.not_after_ms)),
    options.subject,
    decodeDer(spki),
    der.tagged(3, der.sequence(...extensionsOf(options))),
  );
  const signature = sign(options.digest, encodeDer(tbs), options.issuerKey);
  return encodeDer(der.sequence(tbs, algorithm, der.bits(signature)));
}

function extensionsOf(options: DeviceCertificate): DerNode[] {
  const { is_ca, path_length, key_usage, device_names, fwid, extra = [] } = options;
  const list = [deviceExtension(x509Oids.keyUsage, true, der.bits(Buffer.of(key_usage), 0))];
  if (is_ca) {
    const limit = path_length === undefined ? [] : [der.integer(Buffer.of(path_length))];
    list.push(deviceExtension(x509Oids.basicConstraints, true, der.sequence(der.boolean(true), ...limit)));
  }
  if (device_names !== undefined) {
    const others = device_names.map((name) =>
      der.tagged(0, der.oid(evidenceOids.deviceInfo), der.tagged(0, der.utf8(name))),
    );
    list.push(deviceExtension(x509Oids.subjectAltName, false, der.sequence(...others)));
  }
  if (fwid !== undefined) {
    const entry = [der.oid(evidenceOids.sha384), der.octets(fwid.digest)];
    const composite = der.sequence(der.integer(Buffer.of(1)), der.sequence(...entry));
    const tcb = der.sequence(der.tagged(6, der.sequence(...entry)));
    list.push(
      fwid.form === "composite"
        ? deviceExtension(evidenceOids.compositeDeviceId, false, composite)
        : deviceExtension(evidenceOids.tcbInfo, false, tcb),
    );
  }
  return [...list, ...extra];
}

export function deviceExtension(oid: string, critical: boolean, value: DerNode): DerNode {
  const flag = critical ? [der.boolean(true)] : [];
  return der.sequence(der.oid(oid), ...flag, der.octets(encodeDer(value)));
}
