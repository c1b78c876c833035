import { formatEther } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CaliberError } from "../../../protocol/errors.js";
import { chainClient } from "../../../registry/chain/chainClient.js";
import { chainTransport } from "../../../registry/chain/chainTransport.js";
import { openWriterKey } from "../../../registry/chain/openWriterKey.js";
import { requireDeployment } from "../../../registry/chain/requireDeployment.js";
import { acceptAdmin } from "../../../registry/handOver/acceptAdmin.js";
import { handOverWriter } from "../../../registry/handOver/handOverWriter.js";
import { addressOption } from "../../addressOption.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

type Values = {
  [name in
    | "from"
    | "writer-key"
    | "writer-password"
    | "writer-address"
    | "deployment"
    | "rpc-url"
    | "admin-key"
    | "admin-password"
    | "admin-address"]?: string;
} & { "with-admin"?: boolean; json?: boolean };

/** `writer-key hand-over` and `accept-admin`: the next account in the place of the one that writes, on chain. */
export async function runHandOver(
  word: "hand-over" | "accept-admin",
  values: Values,
  io: Io,
): Promise<number> {
  const deployment = requireDeployment(requiredOption("deployment", values.deployment));
  const client = chainClient(chainTransport(requiredOption("rpc-url", values["rpc-url"])));
  const { chain_id } = deployment;
  const accountOf = async (who: "writer" | "admin") =>
    privateKeyToAccount(
      await openWriterKey({
        key_file: requiredOption(`${who}-key`, values[`${who}-key`]),
        password_file: values[`${who}-password`] ?? null,
        chain_id,
      }),
    );
  if (word === "accept-admin") {
    const account = await accountOf("writer");
    const contracts = await acceptAdmin(client, deployment, account);
    const address = account.address.toLowerCase();
    io.out(
      values.json === true
        ? `${JSON.stringify({ address, contracts })}\n`
        : `${address} is the admin now of: ${contracts.join(", ") || "nothing that it was not before"}\n`,
    );
    return exitCodes.ok;
  }

  const from = addressOption("from", requiredOption("from", values.from));
  const to =
    values["writer-address"] === undefined
      ? ((await accountOf("writer")).address.toLowerCase() as `0x${string}`)
      : addressOption("writer-address", values["writer-address"]);
  if (from === to) {
    throw new CaliberError("OPTION_INVALID", "--from is the account that is to write from now on", {
      disposition: "user",
    });
  }
  const sender = values["admin-address"] === undefined ? await accountOf("admin") : null;
  const admin = sender?.address ?? addressOption("admin-address", values["admin-address"]!);
  const hand = { from, to, admin, with_admin: values["with-admin"] === true };
  const json = values.json === true;
  const calls = await handOverWriter(client, deployment, hand, sender, ({ what }) => {
    if (!json) io.out(`${what}\n`);
  });
  const balance_wei = await client.getBalance({ address: to });
  if (json) {
    const told = { from, to, sent: sender !== null, calls, balance_wei: String(balance_wei) };
    io.out(`${JSON.stringify(told)}\n`);
    return exitCodes.ok;
  }
  if (sender === null)
    for (const { what, to: at, data } of calls) io.out(`${what}\n  to ${at}\n  data ${data}\n`);
  if (calls.length === 0) io.out(`${to} is in the place of ${from}: nothing is left to do\n`);
  if (balance_wei === 0n) io.err(`${to} has no money for gas yet\n`);
  else io.out(`${to} has ${formatEther(balance_wei)} for gas\n`);
  return exitCodes.ok;
}
