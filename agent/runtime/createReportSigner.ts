import type { Logger } from "pino";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { pae } from "../../protocol/dsse/pae.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { statementHash } from "../../protocol/dsse/statementHash.js";
import type { Report, ReportKind, SourceName } from "../../protocol/report/schema.js";
import type { SigningKey } from "../keys/keyStore.js";
import type { Spool } from "../spool/spool.js";
import { agentName } from "./agentName.js";
import type { BeaconShelf } from "./beaconShelf.js";
import { placeWindow, type Span } from "./placeWindow.js";

/** Kind and body of a report that is still to be signed. */
export type Draft = {
  [K in ReportKind]: { kind: K; body: Extract<Report, { kind: K }>["body"] };
}[ReportKind];

export type ReportSigner = {
  /**
   * Signs one report and keeps it, in one commit.
   *
   * @param draft given the window as it will stand in the report.
   * @param leaves raw samples of a telemetry window.
   */
  sign(span: Span, draft: (window: Span) => Draft, leaves?: Buffer): void;
};

export type ReportSignerOptions = {
  key: SigningKey;
  host: string;
  /** 16 random bytes of this process, hex. */
  boot: string;
  source: SourceName;
  simulated: boolean;
  spool: Pick<Spool, "append">;
  beacons: BeaconShelf;
  log: Logger;
};

/** Below this a clock that was set back is not worth a line. */
const noticed_ms = 1000;
const signature_bytes = 64;

/** Signs the reports of one device, each linked to the one before. */
export function createReportSigner(options: ReportSignerOptions): ReportSigner {
  const { key, host, boot, source, simulated, spool, beacons, log } = options;
  return {
    sign(span, draft, leaves) {
      spool.append(key.id, ({ seq, prev, window_end_ms }) => {
        const window = placeWindow(window_end_ms, span);
        if (window.end_ms - span.end_ms > noticed_ms) {
          log.warn(
            { device: key.id, seq, ahead_ms: window.end_ms - span.end_ms },
            "the wall clock was set back",
          );
        }
        const { kind, body } = draft(window);
        const report = {
          v: 1,
          kind,
          device: key.id,
          host,
          boot,
          seq,
          prev,
          window,
          beacon: beacons.for(window.end_ms),
          agent: agentName,
          source,
          simulated,
          body,
        };
        const payload = Buffer.from(JSON.stringify(report));
        const message = pae(payloadTypes.report, payload);
        const signature = key.sign(message);
        if (signature.length !== signature_bytes) throw new TypeError("a key gave no 64-byte signature");
        return {
          kind,
          statement: statementHash(message).toString("hex"),
          envelope: encodeEnvelope({ payloadType: payloadTypes.report, payload, signature }, key.id),
          start_ms: window.start_ms,
          end_ms: window.end_ms,
          told_from:
            kind === "gap" && body.reason === "spool_overflow" ? (body.dropped?.from_seq ?? null) : null,
          leaves: leaves ?? null,
        };
      });
    },
  };
}
