import { CaliberError } from "../../protocol/errors.js";
import { readPrivateFile } from "../keys/readPrivateFile.js";

/**
 * The password in a file that nobody else can read: its first line.
 *
 * @throws CaliberError FILE_UNREADABLE, KEY_FILE_PERMISSIONS; PASSWORD_EMPTY
 */
export function readPassword(path: string): string {
  const text = readPrivateFile(path);
  if (text === null) {
    throw new CaliberError("FILE_UNREADABLE", `${path} is not there`, { disposition: "user" });
  }
  const [password = ""] = text.split(/\r?\n/);
  if (password === "") {
    throw new CaliberError("PASSWORD_EMPTY", `${path} holds no password in its first line`, {
      disposition: "user",
    });
  }
  return password;
}
