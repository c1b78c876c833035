import { CaliberError } from "../../protocol/errors.js";
import { createProbe } from "../sources/nvml/createProbe.js";
import { nvmlCodes } from "../sources/nvml/nvmlCodes.js";
import { openLibrary } from "../sources/nvml/openLibrary.js";
import type { SymbolName } from "../sources/nvml/symbols.js";

/** `nonce` is 64 hex digits. */
export type NvmlEvidenceQuestion = { library: string; uuid: string; nonce: string };

export type NvmlEvidenceAnswer =
  | { ok: true; report: Uint8Array; chain: string }
  | { ok: false; code: "COLLECTOR_MISSING" | "COLLECTOR_UNSUPPORTED" | "COLLECTOR_FAILED"; message: string };

/** nvmlConfComputeGpuAttestationReport_t: three sizes, the nonce that we write, then what the GPU signed. */
const report = { size: 12_332, lengthAt: 4, nonceAt: 12, at: 44, max: 0x2000 } as const;
/** nvmlConfComputeGpuCertificate_t: two sizes, the chain for sessions, the chain for attestation. */
const certificate = { size: 9224, lengthAt: 4, at: 8 + 0x1000, max: 0x1400 } as const;

/** A driver or a GPU that has no evidence to give; another way of asking may. */
const without: ReadonlySet<number> = new Set([nvmlCodes.notSupported, nvmlCodes.functionNotFound]);

/**
 * Lets one GPU sign a nonce, through NVML. Any call may never return. Whoever owns the host may have made the library: what
 * it says is evidence only once the registry has verified it.
 */
export function readNvmlEvidence({ library: path, uuid, nonce }: NvmlEvidenceQuestion): NvmlEvidenceAnswer {
  try {
    const library = openLibrary(path);
    try {
      const code = library.call.nvmlInit_v2();
      if (code !== nvmlCodes.success) return failed("nvmlInit_v2", code);
      try {
        return ask(createProbe(library), uuid, nonce);
      } finally {
        library.call.nvmlShutdown();
      }
    } finally {
      library.unload();
    }
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    const missing = error.code === "NVML_NOT_FOUND" || error.code === "NVML_TOO_OLD";
    return {
      ok: false,
      code: missing ? "COLLECTOR_MISSING" : "COLLECTOR_FAILED",
      message: `${error.message}${error.details === undefined ? "" : ` (${error.details})`}`,
    };
  }
}

function ask(probe: ReturnType<typeof createProbe>, uuid: string, nonce: string): NvmlEvidenceAnswer {
  const { out, view } = probe;
  if (!probe.get("nvmlDeviceGetHandleByUUID", uuid, out)) {
    return failed("nvmlDeviceGetHandleByUUID", probe.lastCode());
  }
  const handle = view.getBigUint64(0, true);

  /** The part of a struct that its own length says; null when that length is none. */
  const part = ({ lengthAt, at, max }: { lengthAt: number; at: number; max: number }): Uint8Array | null => {
    const length = view.getUint32(lengthAt, true);
    return length === 0 || length > max ? null : out.slice(at, at + length);
  };
  const fill = (name: SymbolName, size: number, before: () => void): NvmlEvidenceAnswer | null => {
    out.fill(0, 0, size);
    before();
    return probe.get(name, handle, out) ? null : failed(name, probe.lastCode());
  };

  const reportFailed = fill("nvmlDeviceGetConfComputeGpuAttestationReport", report.size, () =>
    out.set(Buffer.from(nonce, "hex"), report.nonceAt),
  );
  if (reportFailed !== null) return reportFailed;
  const signed = part(report);
  const chainFailed = fill("nvmlDeviceGetConfComputeGpuCertificate", certificate.size, () => undefined);
  if (chainFailed !== null) return chainFailed;
  const pem = part(certificate);
  if (signed === null || pem === null) {
    return {
      ok: false,
      code: "COLLECTOR_FAILED",
      message: "NVML gave a report or chain of an impossible length",
    };
  }
  // The length may count the C string's end.
  return { ok: true, report: signed, chain: Buffer.from(pem).toString("latin1").replace(/\0+$/, "") };
}

function failed(call: string, code: number): NvmlEvidenceAnswer {
  return without.has(code)
    ? {
        ok: false,
        code: "COLLECTOR_UNSUPPORTED",
        message: `NVML has no evidence of this GPU (${call}: ${code})`,
      }
    : { ok: false, code: "COLLECTOR_FAILED", message: `${call} returned ${code}` };
}
