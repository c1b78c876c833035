import { randomInt } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";

/**
 * CALIBER_FUZZ_RUNS says how many inputs evidence gets, and how many the envelope, CSR and PAE parsers share (for a long
 * run 1000000); CALIBER_FUZZ_SEED repeats one run.
 */
const runs = Number(process.env.CALIBER_FUZZ_RUNS ?? 20_000);
const seed = Number(process.env.CALIBER_FUZZ_SEED ?? randomInt(1, 2 ** 32 - 1));
if (!(runs >= 1000) || !(seed > 0))
  throw new Error("CALIBER_FUZZ_RUNS is at least 1000, the seed at least 1");

export const fuzzRuns = {
  seed,
  share: (part: number): number => Math.ceil(runs * part),
  timeout_ms: 60_000 + runs,
  /** What a parser gives, or null for a refusal; anything but an error of these codes fails the test. */
  attempt<T>(input: Buffer, codes: RegExp, parse: (input: Buffer) => T): T | null {
    try {
      return parse(input);
    } catch (error) {
      if (error instanceof CaliberError && codes.test(error.code)) return null;
      throw new Error(`seed ${seed}, input ${input.toString("base64")}`, { cause: error });
    }
  },
};
