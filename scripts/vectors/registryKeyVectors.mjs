// registry-keys.json: the registry's own keys hand over to the next.
import { createPrivateKey, createPublicKey, sign as signEd25519 } from "node:crypto";
import { keyPair, sha256, sign } from "./es256.mjs";
import { host, t0 } from "./sampleReports.mjs";
import { envelope, leaf, root, signed, types } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const origin = "caliber.example/log";
const day = 86_400_000;

/** A log key from a seed that is published here, and whose text says what it is. */
function logKey(text) {
  const seed = sha256(text);
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { spki, sign: (message) => signEd25519(null, message, key) };
}

/** A receipt key from a text that says what it is. */
function receiptKey(text) {
  const key = keyPair(hex(sha256(text)));
  return { ...key, sign: (message) => sign(message, key) };
}

const messageOf = ({ purpose, origin: log, from_spki, to_spki, at_ms, until_ms }) =>
  Buffer.from(
    `${["caliber/registry-key/v1", purpose, log, from_spki, to_spki, at_ms, until_ms].join("\n")}\n`,
  );

function changeOf(purpose, from, to, { by = from, at_ms = t0, log = origin } = {}) {
  const about = {
    purpose,
    origin: log,
    from_spki: base64(from.spki),
    to_spki: base64(to.spki),
    at_ms,
    until_ms: at_ms + 30 * day,
  };
  const message = messageOf(about);
  return { ...about, from_signature: base64(by.sign(message)), to_signature: base64(to.sign(message)) };
}

/** C2SP signed note over the body, with one line for each key. */
function noteOf(body, keys) {
  const lines = keys.map((key) => {
    const id = sha256(Buffer.concat([Buffer.from(`${origin}\n`), Buffer.of(1), key.spki.subarray(-32)]));
    return `\u2014 ${origin} ${base64(Buffer.concat([id.subarray(0, 4), key.sign(Buffer.from(body))]))}\n`;
  });
  return `${body}\n${lines.join("")}`;
}

/** @param registry the receipt key of down.json: it hands over here. */
export function registryKeyVectors(registry, leaves) {
  const first = { ...registry, sign: (message) => sign(message, registry) };
  const second = receiptKey("caliber test vector: second registry key");
  const third = receiptKey("caliber test vector: third registry key");
  const thief = receiptKey("caliber test vector: a key of somebody else");
  const oldLog = logKey("caliber test vector: log key");
  const newLog = logKey("caliber test vector: second log key");

  const one = changeOf("receipt", first, second);
  const log = changeOf("log", oldLog, newLog, { at_ms: t0 + day });
  const two = changeOf("receipt", second, third, { at_ms: t0 + 2 * day });
  const changes = [one, log, two];
  const entryOf = (change) => {
    const body = JSON.stringify({ type: "registry-key", at_ms: change.at_ms, change });
    return Buffer.concat([Buffer.of(2, 1), Buffer.from(body)]);
  };
  const message = {
    v: 1,
    aud: host,
    seq: 42,
    issued_ms: t0,
    expires_ms: t0 + 3_600_000,
    body: { type: "registry-key", change: one },
  };
  const down = signed(types.down, JSON.stringify(message), first);
  const body = `${origin}\n${leaves.length}\n${base64(root(leaves))}\n`;

  const ask = (name, pinned, list, more = {}) => ({
    name,
    purpose: "receipt",
    origin,
    pinned: base64(pinned.spki),
    changes: list,
    ...more,
  });
  const no = (name, change) => ({ ...ask(name, first, [change]), code: "REGISTRY_KEY_CHANGE_INVALID" });
  return {
    description:
      "The registry's own keys hand over. Each of `changes` is signed by the key before (`from_signature`) and the next (`to_signature`) over its `message`, and stands in the log as `entry`. `follow` gives the key (SPKI, base64) that a reader trusts in the end who trusted `pinned` before; each of `refused` leads nowhere. `down` is how a host hears of the first change, signed by the key that it leads away from. `checkpoint` is signed by both log keys, as during the overlap.",
    source:
      'scripts/vectors/generate.mjs; scalars and seeds are the SHA-256 of "caliber test vector: " and "registry key", "second registry key", "third registry key", "a key of somebody else", "log key", "second log key"',
    changes: changes.map((change) => ({
      change,
      message: hex(messageOf(change)),
      entry: hex(entryOf(change)),
      leaf_hash: hex(leaf(entryOf(change))),
    })),
    follow: [
      ask("no change", first, [], { to: base64(first.spki) }),
      ask("one change", first, [one], { to: base64(second.spki) }),
      ask("all changes, from the first key", first, changes, { to: base64(third.spki) }),
      ask("all changes, from a key in between", second, changes, { to: base64(third.spki) }),
      ask("all changes, from the last key", third, changes, { to: base64(third.spki) }),
      ask("the log key", oldLog, changes, { purpose: "log", to: base64(newLog.spki) }),
      ask("a change by a key that is not trusted", first, [changeOf("receipt", thief, third)], {
        to: base64(first.spki),
      }),
      ask("a change that is left out", first, [two], { to: base64(first.spki) }),
    ],
    refused: [
      no(
        "signed by another key than the one that it leaves",
        changeOf("receipt", first, thief, { by: thief }),
      ),
      no("another next key", { ...one, to_spki: base64(thief.spki) }),
      no("another log", changeOf("receipt", first, second, { log: "caliber.example/other" })),
      no("a longer overlap", { ...one, until_ms: one.until_ms + 1 }),
      no("the old key's signature twice", { ...one, to_signature: one.from_signature }),
      no("a next key that has not signed", { ...one, to_signature: "" }),
    ],
    down: {
      registry_spki: hex(first.spki),
      envelope: envelope(down, first.id),
      host,
      now_ms: t0 + 1000,
      message,
    },
    checkpoint: {
      note: noteOf(body, [newLog, oldLog]),
      size: leaves.length,
      root: hex(root(leaves)),
      keys: [hex(oldLog.spki), hex(newLog.spki)],
    },
  };
}
