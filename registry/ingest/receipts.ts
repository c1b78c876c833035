import type { ReceiptBody } from "../../protocol/down/downMessage.js";
import type { Commit, Ledger } from "../log/ledger.js";
import type { Downlink } from "./downlink.js";

export type Receipts = {
  kept(host: string, report: ReceiptBody["kept"][number]): void;
  refused(host: string, report: ReceiptBody["refused"][number]): void;
};

/** One signed receipt a host and commit, sent once the commit is durable. */
export function createReceipts(ledger: Ledger, downlink: Downlink): Receipts {
  let hosts = new Map<string, Pick<ReceiptBody, "kept" | "refused">>();
  const of = (host: string): Pick<ReceiptBody, "kept" | "refused"> => {
    let receipt = hosts.get(host);
    if (receipt === undefined) {
      receipt = { kept: [], refused: [] };
      hosts.set(host, receipt);
    }
    return receipt;
  };
  ledger.onCommit(({ received_at_ms }: Commit) => {
    if (hosts.size === 0) return;
    const due = hosts;
    hosts = new Map();
    for (const [host, receipt] of due) downlink.send(host, { type: "receipt", received_at_ms, ...receipt });
  });
  return {
    kept: (host, report) => void of(host).kept.push(report),
    refused: (host, report) => void of(host).refused.push(report),
  };
}
