import { describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import { quietUntilReached } from "./quietUntilReached.js";
import type { SupplementListener } from "./supplement.js";

describe("quietUntilReached", () => {
  it("tells of absence only after presence, and of everything else at once", async () => {
    let inner: SupplementListener | undefined;
    const told: string[] = [];
    const quiet = quietUntilReached(
      {
        name: "dcgm",
        start: async (to) => {
          inner = to;
        },
        stop: async () => undefined,
      },
      "AWAY",
    );
    await quiet.start({
      onReadings: () => told.push("readings"),
      onXid: () => told.push("xid"),
      onProblem: ({ code }) => told.push(code),
    });
    inner?.onProblem(new CaliberError("AWAY", "away"));
    inner?.onProblem(new CaliberError("ODD", "odd"));
    inner?.onReadings([]);
    inner?.onProblem(new CaliberError("AWAY", "away"));
    expect(told).toEqual(["ODD", "readings", "AWAY"]);
  });
});
