import { beforeEach, describe, expect, it } from "vitest";
import type { WaitingReport } from "../spool/spool.js";
import { createSender, type Sender } from "./createSender.js";

let waiting: WaitingReport[];
let sent: string[];
let mono_ms: number;
let sender: Sender;
const report = (id: number, device: string, seq: number): WaitingReport => ({
  id,
  device,
  seq,
  statement: `${device}${seq}`,
  envelope: Buffer.alloc(0),
});
beforeEach(() => {
  waiting = [report(1, "a", 0), report(2, "b", 0), report(3, "a", 1), report(4, "b", 1), report(5, "a", 2)];
  sent = [];
  mono_ms = 0;
  sender = createSender({
    waitingAfter: (id, limit) => waiting.filter((one) => one.id > id).slice(0, limit),
    send: ({ device, seq }) => void sent.push(`${device}${seq}`),
    mono_ms: () => mono_ms,
    max_in_flight: 3,
    resend_after_ms: 30_000,
  });
});
const receipt = (device: string, seq: number): void => {
  waiting = waiting.filter((one) => one.device !== device || one.seq !== seq);
  sender.settled([{ device, seq }]);
};

describe("createSender", () => {
  it("sends nothing without a connection", () => {
    sender.pump();
    sender.tick();
    expect(sent).toEqual([]);
  });

  it("keeps a bounded number on the way, in the order of signing", () => {
    sender.start();
    expect(sent).toEqual(["a0", "b0", "a1"]);
    sender.pump();
    expect(sender.inFlight()).toBe(3);
    receipt("b", 0);
    expect(sent).toEqual(["a0", "b0", "a1", "b1"]);
    receipt("a", 0);
    receipt("a", 1);
    expect(sent).toEqual(["a0", "b0", "a1", "b1", "a2"]);
    expect(sender.inFlight()).toBe(2);
  });

  it("sends again what got no receipt in time, and no sooner", () => {
    sender.start();
    mono_ms = 29_999;
    sender.tick();
    expect(sent).toHaveLength(3);
    mono_ms = 30_000;
    sender.tick();
    sender.tick();
    expect(sent.slice(3)).toEqual(["a0", "b0", "a1"]);
  });

  it("sends all that is unreceipted again over a new connection", () => {
    sender.start();
    receipt("a", 0);
    sender.stop();
    sender.pump();
    sender.start();
    expect(sent.slice(4)).toEqual(["b0", "a1", "b1"]);
  });

  it("sends a report that waits again over the same connection, and none that is on the way", () => {
    const [first, ...later] = waiting;
    sender.start();
    receipt("a", 0);
    receipt("b", 0);
    expect(sent).toEqual(["a0", "b0", "a1", "b1", "a2"]);
    waiting = [first!, ...later.slice(1)];
    receipt("a", 2);
    expect(sent.slice(5)).toEqual(["a0"]);
    expect(sender.inFlight()).toBe(3);
  });

  it("takes up what is signed while it runs", () => {
    waiting = [];
    sender.start();
    waiting = [report(9, "a", 7)];
    sender.pump();
    expect(sent).toEqual(["a7"]);
  });
});
