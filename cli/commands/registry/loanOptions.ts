import { CaliberError } from "../../../protocol/errors.js";
import type { LoanOptions } from "../../../registry/loans/loanOptions.js";
import { addressOption } from "../../addressOption.js";
import { durationOption, integerOption, requiredOption } from "../../options.js";

type LoanFlags = "loan-router" | "loan-timelock" | "loan-start" | "loan-poll";

/** Which loans to follow, from flags; undefined when none of them is given. */
export function loanOptions(
  values: { [flag in LoanFlags]?: string } & { "rpc-url"?: string[] },
): LoanOptions | undefined {
  const given = (["loan-router", "loan-timelock", "loan-start"] as const).filter(
    (name) => values[name] !== undefined,
  );
  if (given.length === 0) return undefined;
  if (values["rpc-url"] === undefined) {
    throw new CaliberError("OPTION_MISSING", `--rpc-url is needed with --${given[0]}`, {
      disposition: "user",
    });
  }
  return {
    router: addressOption("loan-router", requiredOption("loan-router", values["loan-router"])),
    timelock: addressOption("loan-timelock", requiredOption("loan-timelock", values["loan-timelock"])),
    start_block: integerOption(
      "loan-start",
      requiredOption("loan-start", values["loan-start"]),
      0,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    poll_ms: durationOption("loan-poll", values["loan-poll"], 15_000, { min_ms: 100, max_ms: 3_600_000 }),
  };
}
