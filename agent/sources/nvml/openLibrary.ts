import koffi from "koffi";
import { CaliberError } from "../../../protocol/errors.js";
import { nvmlCodes } from "./nvmlCodes.js";
import type { NvmlErrorCode } from "./nvmlErrors.js";
import { requiredSymbols, type SymbolName, symbols } from "./symbols.js";

/** One NVML function; the number is its nvmlReturn_t. */
export type NvmlFunction = (...args: readonly (number | bigint | string | Uint8Array)[]) => number;

export type NvmlLibrary = {
  /** A function that this driver's library lacks answers FUNCTION_NOT_FOUND, as an old one that knows of it would. */
  readonly call: Readonly<Record<SymbolName, NvmlFunction>>;
  unload(): void;
};

const lacking: NvmlFunction = () => nvmlCodes.functionNotFound;

/**
 * Loads the library by path, or by name as the dynamic linker looks it up. Nothing is called yet.
 *
 * @throws CaliberError NVML_NOT_FOUND, NVML_TOO_OLD
 */
export function openLibrary(path: string): NvmlLibrary {
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load(path);
  } catch (cause) {
    throw new CaliberError<NvmlErrorCode>("NVML_NOT_FOUND", `cannot load the NVML library ${path}`, {
      cause,
      details: (cause as Error).message.slice(0, 200),
      disposition: "retryable",
    });
  }
  const names = Object.keys(symbols) as SymbolName[];
  const found = names.map((name): [SymbolName, NvmlFunction] => {
    try {
      return [name, library.func(`int ${name}(${symbols[name]})`)];
    } catch (error) {
      // An older driver is no error; koffi has no other way of asking.
      if (!(error as Error).message.startsWith("Cannot find function")) throw error;
      return [name, lacking];
    }
  });
  const call = Object.fromEntries(found) as Record<SymbolName, NvmlFunction>;
  const absent = requiredSymbols.filter((name) => call[name] === lacking);
  if (absent.length > 0) {
    library.unload();
    throw new CaliberError<NvmlErrorCode>(
      "NVML_TOO_OLD",
      `${path} is not an NVML library, or a very old one`,
      {
        details: `no ${absent.join(", ")}`,
        disposition: "retryable",
      },
    );
  }
  return { call, unload: () => library.unload() };
}
