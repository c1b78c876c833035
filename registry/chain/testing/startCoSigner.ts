import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex, LocalAccount } from "viem";

export type CoSignerMood = "signs" | "stalls" | "refuses" | "babbles" | "chatters" | "shows a page";

export type CoSignerProcess = {
  url: string;
  account: Pick<LocalAccount, "signTypedData">;
  mood: CoSignerMood;
  /** What it was asked to sign, parsed. */
  asked: { primaryType: string; message: Record<string, unknown> }[];
  /** Nobody listens at its address until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
};

/** A co-attestor's signer, which speaks as web3signer does and behaves as it is told. */
export async function startCoSigner(account: CoSignerProcess["account"]): Promise<CoSignerProcess> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { method, params } = JSON.parse(text) as { method: string; params: [Hex, string] };
    if (method !== "eth_signTypedData") throw new Error(`a co-signer was asked for ${method}`);
    const { types, ...definition } = JSON.parse(params[1]);
    self.asked.push(definition);
    const { EIP712Domain: _, ...own } = types;
    const reply = (body: object) => response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...body }));
    switch (self.mood) {
      case "signs":
        return reply({ result: await self.account.signTypedData({ ...definition, types: own }) });
      case "stalls":
        return;
      case "refuses":
        return reply({ error: { code: -32_000, message: "not by my policy" } });
      case "babbles":
        return reply({ result: "0x1234" });
      case "chatters":
        return response.end(`"${"x".repeat(2_000_000)}"`);
      case "shows a page":
        response.statusCode = 502;
        return response.end("<html>Bad gateway</html>");
    }
  });
  let port = 0;
  const listen = () =>
    new Promise<void>((resolve) =>
      server.listen(port, "127.0.0.1", () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      }),
    );
  await listen();
  const self: CoSignerProcess = {
    url: `http://127.0.0.1:${port}`,
    account,
    mood: "signs",
    asked: [],
    start: listen,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
