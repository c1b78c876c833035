// rotation.json: a chain that is handed to another key, goes on under it, and is ended.
import { sign } from "./es256.mjs";
import { base, t0, telemetry } from "./sampleReports.mjs";
import { envelope, leaf, signed, types } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const minute = 60_000;

/** @param last the last of the accepted reports: `device` goes on from there. */
export function rotationVectors(device, successor, last) {
  const message = Buffer.concat([
    Buffer.from("caliber/rotation/v1\n"),
    Buffer.from(device.id, "hex"),
    Buffer.from(successor.id, "hex"),
  ]);
  const proof = hex(sign(message, successor));
  const at = t0 + 70 * minute;
  const bodies = [
    [device, "rotate", [at, at], { successor_spki: successor.spki.toString("base64"), proof }],
    [successor, "telemetry", [at, at + minute], telemetry],
    [successor, "retire", [at + minute, at + minute], { reason: "Sold" }],
  ];
  let { seq, prev } = last;
  const reports = bodies.map(([key, kind, window, body]) => {
    seq += 1;
    const one = signed(types.report, JSON.stringify({ ...base(key.id, seq, prev, window), kind, body }), key);
    prev = one.statement;
    const entry = Buffer.concat([Buffer.of(1, 1), Buffer.from(key.id, "hex"), one.signature, one.pae]);
    return {
      name: `${kind} ${seq}`,
      device: key.id,
      envelope: envelope(one, key.id),
      payload: one.payload.toString(),
      statement: one.statement,
      log_entry: hex(entry),
      leaf_hash: hex(leaf(entry)),
    };
  });
  return {
    description:
      "A rotation. `message` is what the successor signs, and `proof` its signature (r‖s, low-S). `reports` go on from the last of `accepted` in report-envelopes.json: the old key's last one, the first of the new key, which takes the next seq and names the rotation as `prev`, and the new key's last.",
    source: "scripts/vectors/generate.mjs",
    device: device.id,
    device_spki: hex(device.spki),
    successor: successor.id,
    successor_spki: hex(successor.spki),
    message: hex(message),
    proof,
    reports,
  };
}
