import type { SettingTable } from "./setting.js";

const all = ["enroll", "run", "doctor", "status", "pause", "rotate", "retire", "unenroll"];
const readers = ["enroll", "run", "scan", "doctor"];
const supplemented = ["run", "scan", "doctor"];

/** Section `agent`: what holds for a host from one call to the next. What is meant for one call is a flag alone. */
export const agentSettings = {
  "data-dir": { kind: "text", commands: all, says: "identity, keys and spool of this host" },
  source: { kind: "text", commands: readers, says: "`auto`, `nvml` or `nvidia-smi` (`auto`)" },
  "nvidia-smi": { kind: "text", commands: readers, says: "nvidia-smi, by path or name (`nvidia-smi`)" },
  nvml: { kind: "text", commands: readers, says: "NVML library, by path (the system's)" },
  dcgm: {
    kind: "text",
    commands: supplemented,
    says: "`auto`, `off` or the http address of dcgm-exporter's metrics (`auto`)",
  },
  "kernel-log": {
    kind: "text",
    commands: supplemented,
    says: "`auto`, `off`, `kmsg`, `journald` or a file's whole path (`auto`)",
  },
  "token-file": { kind: "text", commands: ["enroll"], says: "file that holds the enrolment token" },
  label: { kind: "text", commands: ["enroll"], says: "name of this host for people (its host name)" },
  simulated: {
    kind: "boolean",
    commands: ["enroll"],
    says: "the GPUs are a simulator's: every report says so (`false`)",
  },
  keys: {
    kind: "text",
    commands: ["enroll"],
    says: "`file` or `tpm`: where the GPUs' keys are made and stay (`file`)",
  },
  tpm: {
    kind: "text",
    commands: ["enroll"],
    says: "with `keys` `tpm`: how the TPM is reached (`device:/dev/tpmrm0`)",
  },
  "accept-contract": {
    kind: "text",
    commands: ["run"],
    says: "`CHAIN_ID:0xADDRESS`, the one token contract that the GPUs consent to (the first that they consented to)",
  },
  "accept-replacement": {
    kind: "text",
    commands: ["run"],
    says: "number of the one token, of the contract in `accept_contract`, that GPUs of this host may stand in for; while it is set they consent to no title of their own",
  },
  evidence: {
    kind: "text",
    commands: ["run"],
    says: "`auto`, `nvml`, `nvattest` or `off`: how GPUs are asked to prove themselves (`auto`: NVML, then nvattest; `off` for simulated GPUs)",
  },
  nvattest: {
    kind: "text",
    commands: ["run"],
    says: "NVIDIA's attestation CLI, by path or name, or `off` (`nvattest`; `off` for simulated GPUs)",
  },
  "log-level": {
    kind: "text",
    commands: ["run"],
    says: "`fatal`, `error`, `warn`, `info` or `debug` (`info`)",
  },
} as const satisfies SettingTable;
