import { nvmlCodes } from "./nvmlCodes.js";
import { nvmlError } from "./nvmlErrors.js";
import type { NvmlLibrary } from "./openLibrary.js";
import type { SymbolName } from "./symbols.js";

/** The largest thing that NVML writes for us: 1,024 processes of 24 bytes. */
const outBytes = 32 * 1024;
const extraBytes = 64;

/** Codes that say nothing of a GPU: the library itself has to be opened anew. */
const broken: ReadonlySet<number> = new Set([
  nvmlCodes.uninitialized,
  nvmlCodes.driverNotLoaded,
  nvmlCodes.versionMismatch,
]);

/**
 * Calls NVML and reads what it wrote, without allocating: one block of memory serves every call, as the thread makes one
 * at a time. Any code but success is no value. Whoever owns the host may have made the library: every number is a claim.
 */
export function createProbe({ call }: NvmlLibrary) {
  // One explicit buffer: V8 may move the memory of small typed arrays of their own while C writes to it.
  const block = new ArrayBuffer(outBytes + extraBytes);
  const view = new DataView(block);
  const bytes = new Uint8Array(block);
  const out = bytes.subarray(0, outBytes);
  /** Places for functions that write several numbers: `extra(0)` is at offset `extraAt` of `u32`, the next 8 bytes on. */
  const extras = [0, 8, 16, 24].map((at) => bytes.subarray(outBytes + at, outBytes + at + 8));
  let lost = false;
  let resetRequired = false;
  let last = 0;

  /** True on success. The codes 15 and 16 are remembered until `begin`. */
  function get(name: SymbolName, ...args: readonly (number | bigint | string | Uint8Array)[]): boolean {
    last = call[name](...args);
    if (last === nvmlCodes.success) return true;
    if (last === nvmlCodes.gpuIsLost) lost = true;
    if (last === nvmlCodes.resetRequired) resetRequired = true;
    if (broken.has(last)) throw nvmlError(last, name);
    return false;
  }

  /** NVML_VALUE_NOT_AVAILABLE (-1) is no value. */
  function u32(offset = 0): number | null {
    const value = view.getUint32(offset, true);
    return value === 0xffffffff ? null : value;
  }

  /** Null beyond 2^53 - 1, where a number would not be exact. */
  function u64(offset = 0): number | null {
    const value = view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
    return Number.isSafeInteger(value) ? value : null;
  }

  /** The characters before the first NUL; null when there is none. */
  function chars(offset: number, length: number): string | null {
    const end = bytes.indexOf(0, offset);
    if (end < 0 || end >= offset + length) return null;
    let text = "";
    for (let at = offset; at < end; at++) text += String.fromCharCode(bytes[at]!);
    return text;
  }

  return {
    get,
    u32,
    u64,
    chars,
    out,
    view,
    extra: (n: 0 | 1 | 2 | 3): Uint8Array => extras[n]!,
    extraAt: (n: 0 | 1 | 2 | 3): number => outBytes + 8 * n,
    /** Starts a reading of one GPU. */
    begin() {
      lost = false;
      resetRequired = false;
    },
    /** Whether any call since `begin` said that the GPU is lost, or that it requires a reset. */
    isLost: () => lost,
    isResetRequired: () => resetRequired,
    /** The code of the last call. */
    lastCode: () => last,
    /** A function that writes one unsigned int, after the arguments given. */
    number(name: SymbolName, ...args: readonly (number | bigint)[]): number | null {
      return get(name, ...args, out) ? u32() : null;
    },
    /** A function that fills a text of `length` bytes. */
    text(name: SymbolName, device: bigint, length: number): string | null {
      return get(name, device, out, length) ? chars(0, length) : null;
    },
    /** A function that fills a versioned struct: NVML_STRUCT_VERSION is its size and version in one number. */
    struct(name: SymbolName, device: bigint, size: number, version: number): boolean {
      out.fill(0, 0, size);
      view.setUint32(0, size | (version << 24), true);
      return get(name, device, out);
    },
  };
}

export type Probe = ReturnType<typeof createProbe>;
