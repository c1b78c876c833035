import { lookup } from "node:dns/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

export type ReachOptions = {
  /** mqtts:// or https:// */
  url: string;
  /** PEM of the CA that the server must answer to. */
  ca: string;
  /** The host's own certificate and key; null where the server asks for none. */
  client: { certificate: string; key: string } | null;
  timeout_ms: number;
};

/** How far it got: the step that failed, and the system's or OpenSSL's name for why. */
export type Reach =
  | { step: "done"; address: string }
  | { step: "key" | "name" | "tcp" | "tls" | "refused"; address: string; code: string };

/** TLS 1.3 ends the client's handshake before the server has judged its certificate: a refusal comes a moment later. */
const verdict_ms = 500;

/**
 * Connects as the agent does, name, TCP and TLS, and hangs up. It does not log in to the broker: two connections under
 * one name would end the running agent's.
 */
export async function reachBroker({ url, ca, client, timeout_ms }: ReachOptions): Promise<Reach> {
  const { hostname, port: given, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const port = Number(given || (protocol === "https:" ? 443 : 8883));
  const address = `${hostname}:${port}`;
  let step: "name" | "tcp" | "tls" | "refused" = "name";
  let tcp: Socket | undefined;
  let tls: TLSSocket | undefined;
  try {
    await lookup(host);
    step = "tcp";
    tcp = connectTcp({ host, port });
    await opened(tcp, "connect", timeout_ms);
    step = "tls";
    tls = connectTls({
      socket: tcp,
      host,
      ca,
      // SNI takes names alone, never addresses.
      ...(/^[0-9.]+$|:/.test(host) ? {} : { servername: host }),
      ...(client === null ? {} : { cert: client.certificate, key: client.key }),
    });
    await opened(tls, "secureConnect", timeout_ms);
    step = "refused";
    if (client !== null) await stays(tls);
    return { step: "done", address };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { step, address, code: code ?? message };
  } finally {
    tls?.destroy();
    tcp?.destroy();
  }
}

function opened(socket: Socket, event: "connect" | "secureConnect", timeout_ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(timeout_ms, () => reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    socket.once("error", reject);
    socket.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
    socket.once(event, () => {
      socket.setTimeout(0);
      resolve();
    });
  });
}

function stays(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
    setTimeout(resolve, verdict_ms);
  });
}
