import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { CaliberError } from "../../protocol/errors.js";
import { presenceTopic, reportTopic } from "../../protocol/topics.js";
import type { Spool, WaitingReport } from "../spool/spool.js";
import { backoff } from "./backoff.js";
import { connectionFault } from "./connectionFault.js";
import { createSender } from "./createSender.js";
import type { Connection, Session, Transport } from "./transport.js";

/** What a down message means for the connection: the heads that a nonce asked for, reports settled, or neither. */
export type Heard =
  | { type: "head"; nonce: string }
  | { type: "settled"; reports: { device: string; seq: number }[] }
  | { type: "other" };

export type PublisherOptions = {
  transport: Transport;
  spool: Pick<Spool, "waitingAfter">;
  /** The session to open next; renews the certificate first when that is due, or when `renew` says so. */
  session(renew: boolean): Promise<Session>;
  /**
   * Takes a down message: opens it, keeps what it says, and tells what matters here. What it throws ends the process:
   * the spool could not be written.
   */
  receive(bytes: Buffer): Heard;
  mono_ms: () => number;
  random: () => number;
  log: Logger;
  max_in_flight?: number;
  resend_after_ms?: number;
  /** How often presence is told until the head comes, and how long before the connection is given up. */
  presence_every_ms?: number;
  head_timeout_ms?: number;
};

export type Publisher = {
  start(): void;
  /** There is news in the spool. */
  pump(): void;
  /** The certificate has changed: connect anew with it. */
  reconnect(): void;
  connected(): boolean;
  inFlight(): number;
  /** Tries for `flush_ms` at most to get receipts for what waits, then disconnects. */
  stop(flush_ms: number): Promise<void>;
};

const close_wait_ms = 300;
/**
 * In TLS 1.3 a server judges the client's certificate after the handshake and may close without a word. So a
 * connection that is closed again and again while it is opened calls for a new certificate, should our own clock not
 * see that the old one has run out. A broker that refuses the host does not say why; who asks for a certificate is told
 * (HOST_REVOKED, HOST_UNKNOWN).
 */
const refusals: ReadonlySet<string> = new Set([
  "CONNECTION_CLOSED",
  "ECONNRESET",
  "EPIPE",
  "Connection refused: Not authorized",
]);
const refusals_renew = 3;

/** Keeps one connection to the broker and brings the spool's reports to their receipts over it. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { transport, spool, receive, mono_ms, random, log } = options;
  const { presence_every_ms = 2000, head_timeout_ms = 60_000 } = options;
  const stopping = new AbortController();
  let connection: Connection | null = null;
  let host = "";
  let ready = false;
  let nonce = "";
  let headHeard: (() => void) | null = null;
  let endSession: ((error: Error | null) => void) | null = null;
  let failures = 0;
  let opened = false;
  let loop: Promise<void> = Promise.resolve();

  const publish = (topic: string, payload: Buffer): void => {
    // A publish that fails goes with its connection; the report stays in the spool and is sent again.
    connection
      ?.publish(topic, payload)
      .catch((error: unknown) => log.debug({ err: error }, "publish failed"));
  };
  const sender = createSender({
    waitingAfter: spool.waitingAfter,
    send: (report: WaitingReport) => publish(reportTopic(host, report.device), report.envelope),
    mono_ms,
    max_in_flight: options.max_in_flight ?? 32,
    resend_after_ms: options.resend_after_ms ?? 30_000,
  });

  const onMessage = (bytes: Buffer): void => {
    if (stopping.signal.aborted) return;
    const heard = receive(bytes);
    if (heard.type === "head" && heard.nonce === nonce) headHeard?.();
    if (heard.type === "settled") sender.settled(heard.reports);
  };
  const pause = (ms: number): Promise<void> =>
    setTimeout(ms, undefined, { signal: stopping.signal }).catch(() => undefined);

  /**
   * Asks for the heads until they come: presence is QoS 1 towards the broker, but the registry may be away.
   *
   * @returns false when the connection was lost before.
   */
  const askForHeads = async (lost: Promise<Error | null>): Promise<boolean> => {
    nonce = randomBytes(16).toString("hex");
    const heard = new Promise<boolean>((resolve) => {
      headHeard = () => resolve(true);
    });
    const asked = new AbortController();
    const ask = async (): Promise<never> => {
      for (const until = mono_ms() + head_timeout_ms; mono_ms() < until; ) {
        publish(presenceTopic(host), Buffer.from(JSON.stringify({ state: "online", nonce })));
        await setTimeout(presence_every_ms, undefined, { signal: asked.signal });
      }
      throw new CaliberError("HEAD_TIMEOUT", "the registry does not say where the chains stand");
    };
    const asking = ask();
    asking.catch(() => undefined);
    try {
      return await Promise.race([heard, asking, lost.then(() => false)]);
    } finally {
      asked.abort();
      headHeard = null;
    }
  };

  /** One connection, from its opening to its end; the error that ended it, or null when we ended it. */
  const runSession = async (renew: boolean): Promise<Error | null> => {
    const session = await options.session(renew);
    host = session.host;
    const lost = new Promise<Error | null>((resolve) => {
      endSession = resolve;
    });
    connection = await transport(session, { onMessage, onLost: (error) => endSession?.(error) });
    opened = true;
    try {
      if (stopping.signal.aborted) return null;
      log.info({ url: session.url }, "connected to the broker");
      if (!(await askForHeads(lost))) return await lost;
      ready = true;
      failures = 0;
      sender.start();
      return await lost;
    } finally {
      ready = false;
      sender.stop();
      const ended = connection;
      connection = null;
      await ended.close();
    }
  };

  const run = async (): Promise<void> => {
    let renew = false;
    let refused = 0;
    while (!stopping.signal.aborted) {
      let fault: unknown;
      opened = false;
      try {
        fault = await runSession(renew);
      } catch (error) {
        fault = error;
      }
      renew = false;
      if (stopping.signal.aborted) break;
      if (fault === null) continue;
      const { code, action } = connectionFault(fault);
      refused = !opened && refusals.has(code) ? refused + 1 : 0;
      renew = action === "renew" || (refused > 0 && refused % refusals_renew === 0);
      const wait_ms = backoff(failures++, random());
      log[action === "loud" ? "error" : "warn"](
        { code, wait_ms, ...(action === "loud" ? { err: fault } : {}) },
        "no connection to the broker",
      );
      await pause(wait_ms);
    }
  };

  let ticker: NodeJS.Timeout | undefined;
  return {
    start() {
      ticker = setInterval(() => sender.tick(), 1000);
      loop = run();
    },
    pump: sender.pump,
    reconnect: () => endSession?.(null),
    connected: () => ready,
    inFlight: sender.inFlight,
    async stop(flush_ms) {
      const until = mono_ms() + flush_ms;
      while (ready && mono_ms() < until && spool.waitingAfter(0, 1).length > 0) await pause(20);
      publish(presenceTopic(host), Buffer.from('{"state":"offline"}'));
      stopping.abort();
      clearInterval(ticker);
      endSession?.(null);
      // A connection that is just being opened closes itself when it stands; nobody waits for that.
      await Promise.race([loop, setTimeout(close_wait_ms)]);
    },
  };
}
