import { CaliberError } from "../protocol/errors.js";

/** A token's number. @throws CaliberError OPTION_INVALID */
export function tokenOption(option: string, text: string): string {
  if (!/^[1-9][0-9]{0,18}$/.test(text)) {
    throw new CaliberError("OPTION_INVALID", `--${option} is a token's number, such as 7`, {
      disposition: "user",
    });
  }
  return text;
}
