import { connect } from "node:net";
import { CaliberError } from "../../protocol/errors.js";
import type { ControlAnswer, ControlRequest } from "./controlMessages.js";
import { socketPath } from "./socketPath.js";

const timeout_ms = 5000;

/**
 * Asks the agent that runs on `data_dir`, and gives how many devices it did it for.
 *
 * @throws CaliberError AGENT_NOT_RUNNING, or the code of its refusal
 */
export async function askAgent(data_dir: string, request: ControlRequest): Promise<number> {
  const { path, release } = socketPath(data_dir);
  try {
    const answer = JSON.parse(await exchange(path, `${JSON.stringify(request)}\n`)) as ControlAnswer;
    if (answer.ok) return answer.devices;
    throw new CaliberError(answer.code, answer.message);
  } finally {
    release();
  }
}

function exchange(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(
        new CaliberError("AGENT_NOT_RUNNING", "no running agent answers on this data directory", { cause }),
      );
    let text = "";
    const socket = connect(path, () => socket.write(line));
    socket.setEncoding("utf8");
    socket.setTimeout(timeout_ms, () => socket.destroy(new Error("no answer in time")));
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", fail);
    socket.on("close", () =>
      text.endsWith("\n") ? resolve(text) : fail(new Error("closed without an answer")),
    );
  });
}
