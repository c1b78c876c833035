import type { WaitingReport } from "../spool/spool.js";

export type SenderOptions = {
  /** Unreceipted reports after `id`, in the order of signing. */
  waitingAfter(id: number, limit: number): WaitingReport[];
  /** Hands one report to the connection. What becomes of it is told by a receipt, or by nothing. */
  send(report: WaitingReport): void;
  mono_ms: () => number;
  /** Reports sent and not receipted, at most. */
  max_in_flight: number;
  /** Without a receipt for this long a report is sent again. */
  resend_after_ms: number;
};

export type Sender = {
  /** A connection stands: everything unreceipted goes out, oldest first. */
  start(): void;
  stop(): void;
  /** Sends as much as there is room for; to be called when there is news in the spool. */
  pump(): void;
  /** Reports that a receipt has settled, one way or the other. */
  settled(reports: readonly { device: string; seq: number }[]): void;
  /** Sends again what has waited too long; to be called about once a second. */
  tick(): void;
  inFlight(): number;
};

/** Keeps a bounded number of reports on the way, each device's in the order of its chain. */
export function createSender(options: SenderOptions): Sender {
  const { waitingAfter, send, mono_ms, max_in_flight, resend_after_ms } = options;
  const inFlight = new Map<string, { report: WaitingReport; sent_mono_ms: number }>();
  const keyOf = ({ device, seq }: { device: string; seq: number }): string => `${device}:${seq}`;
  let running = false;

  const pump = (): void => {
    if (!running || inFlight.size >= max_in_flight) return;
    // Always from the oldest: what waits again, because a head or time released it, stands before what was sent since.
    for (const report of waitingAfter(0, max_in_flight)) {
      if (inFlight.size >= max_in_flight) return;
      if (inFlight.has(keyOf(report))) continue;
      inFlight.set(keyOf(report), { report, sent_mono_ms: mono_ms() });
      send(report);
    }
  };
  return {
    start() {
      running = true;
      inFlight.clear();
      pump();
    },
    stop() {
      running = false;
      inFlight.clear();
    },
    pump,
    settled(reports) {
      for (const report of reports) inFlight.delete(keyOf(report));
      pump();
    },
    tick() {
      if (!running) return;
      for (const flight of inFlight.values()) {
        if (mono_ms() - flight.sent_mono_ms < resend_after_ms) continue;
        flight.sent_mono_ms = mono_ms();
        send(flight.report);
      }
      pump();
    },
    inFlight: () => inFlight.size,
  };
}
