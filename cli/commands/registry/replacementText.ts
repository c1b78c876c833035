import { printable } from "../../../protocol/printable.js";
import type { ReplacementGpu, ReplacementStatus } from "../../../registry/replacement/replacementStatus.js";

/** An order's status in words, with what to do next. */
export function replacementText(status: ReplacementStatus): string {
  const { token_id, device, former, gpus, consenter, deadline_ms } = status;
  const lines = [
    `token ${token_id}: device ${device} is to stand in for ${former ?? "a device that is not on record"}`,
    `  ${nextOf(status)}`,
    `  comes        ${gpuText(gpus.device)}`,
    `  goes         ${gpuText(gpus.former)}`,
  ];
  if (consenter !== null) {
    const kind = consenter.by_contract ? " (a contract: ERC-1271)" : "";
    lines.push(`  consent      ${status.consented ? "given" : "needed"}, by ${consenter.address}${kind}`);
  }
  if (deadline_ms !== null) lines.push(`  good until   ${new Date(deadline_ms).toISOString()}`);
  if (status.tx !== null) lines.push(`  transaction  ${status.tx}`);
  return `${lines.join("\n")}\n`;
}

function nextOf({ waits_for, why, token_id }: ReplacementStatus): string {
  if (why !== null) return `${waits_for === "remedy" ? "cannot go on" : "waits"}: ${why.text} (${why.code})`;
  switch (waits_for) {
    case "device":
      return `waits for the device to sign: its host must be connected, its agent started with --accept-replacement ${token_id} and --accept-contract`;
    case "consent":
      return `waits for the consent: the account below signs what \`replace typed-data --token ${token_id}\` prints`;
    case "chain":
      return "waits for the chain: all have signed";
    default:
      return "waits for the registry's chain writer to look at it: is the registry running, with --rpc-url?";
  }
}

/** A host's own words: they may hold anything. */
function gpuText(gpu: ReplacementGpu | null): string {
  if (gpu === null) return "not on record";
  const { host, label, model, uuid } = gpu;
  return printable(`${model ?? "model not told"}, ${uuid ?? "UUID not told"}, on ${host} (${label})`);
}
