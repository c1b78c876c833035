import type { SettingTable } from "./setting.js";

const onData = ["init", "run", "token", "rebuild", "revoke", "dispute", "replace", "expiries", "key"];
const run = ["run"];
const writerKey = ["run", "writer-key"];

/** Section `registry`: what holds for a registry from one call to the next. */
export const registrySettings = {
  "data-dir": { kind: "text", commands: onData, says: "keys, CA and database" },
  bind: {
    kind: "text",
    commands: run,
    says: "address on which hosts reach MQTT and enrolment (`127.0.0.1`)",
  },
  "api-bind": {
    kind: "text",
    commands: run,
    says: "address of the read API, which is plain HTTP (`127.0.0.1`)",
  },
  name: {
    kind: "list",
    commands: run,
    says: "names and addresses by which hosts reach this registry (`localhost`)",
  },
  "mqtt-port": { kind: "integer", commands: run, says: "MQTT over TLS (`0`: any free port)" },
  "enrol-port": { kind: "integer", commands: run, says: "enrolment over HTTPS (`0`)" },
  "api-port": { kind: "integer", commands: run, says: "read API over HTTP (`0`)" },
  "host-rate": {
    kind: "integer",
    commands: run,
    says: "packets a second that one host may send in the long run (`100`)",
  },
  policy: { kind: "text", commands: run, says: "health policy, by name (`standard`)" },
  window: { kind: "text", commands: run, says: "window that agents are told to report by (`60s`)" },
  "tpm-roots": {
    kind: "text",
    commands: run,
    says: "directory of the certificates of TPM makers that are trusted (none)",
  },
  tick: { kind: "text", commands: run, says: "longest time between ticks of the log (`15s`)" },
  "rpc-url": {
    kind: "list",
    commands: run,
    says: "nodes of the chain (none: no tokens are minted). Masked",
    secret: true,
  },
  deployment: { kind: "text", commands: run, says: "file of the contracts' addresses" },
  "writer-key": {
    kind: "text",
    commands: writerKey,
    says: "encrypted keystore of the account that writes",
  },
  "writer-password": { kind: "text", commands: writerKey, says: "file that holds the keystore's password" },
  "writer-signer": {
    kind: "text",
    commands: run,
    says: "signer that holds the key instead of a keystore. Masked",
    secret: true,
  },
  "writer-address": { kind: "text", commands: run, says: "with `writer_signer`: the account that writes" },
  "co-signer": {
    kind: "list",
    commands: run,
    says: "other attestors, each `0xADDRESS=URL` of the signer that signs health posts for it. Masked",
    secret: true,
  },
  "title-header": {
    kind: "text",
    commands: run,
    says: "hash of the registered header that new titles name (none)",
  },
  epoch: { kind: "text", commands: run, says: "health is posted at least twice an epoch (`1h`)" },
  "anchor-every": {
    kind: "text",
    commands: run,
    says: "checkpoints are anchored at most this often (`1h`)",
  },
  "beacon-every": { kind: "text", commands: run, says: "blocks become beacons at most this often (`60s`)" },
  "max-fee": { kind: "integer", commands: run, says: "most that a unit of gas may cost, in gwei (`100`)" },
  confirmations: {
    kind: "integer",
    commands: run,
    says: "blocks on top before the chain's word counts (`6`)",
  },
  "loan-router": {
    kind: "text",
    commands: run,
    says: "address of the LoanRouterV2 whose loans are followed (none are)",
  },
  "loan-timelock": { kind: "text", commands: run, says: "address of its CollateralTimelock" },
  "loan-start": { kind: "integer", commands: run, says: "first block that can hold a log of either" },
  "loan-poll": { kind: "text", commands: run, says: "the chain is read for loans this often (`15s`)" },
  url: { kind: "text", commands: ["token"], says: "address of the enrolment listener, for tokens" },
  api: { kind: "text", commands: ["devices", "approve"], says: "address of the read API" },
  "token-file": {
    kind: "text",
    commands: ["devices", "approve"],
    says: "file that holds a token for the API: `approve` wants one of its own scope",
  },
} as const satisfies SettingTable;
