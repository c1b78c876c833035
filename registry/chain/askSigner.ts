import { type Hex, isHex, type TypedDataDefinition } from "viem";
import { CaliberError } from "../../protocol/errors.js";

const timeout_ms = 10_000;
/** An honest answer is a transaction of a batch of transitions, or a signature. */
const answer_max_bytes = 1_048_576;

export type SignerKind = "writer" | "co-signer";

const names = { writer: "the writer's signer", "co-signer": "the co-signer" } as const;

/**
 * One JSON-RPC request to a process that holds a key. The other side controls what comes back: its size and the time
 * it takes are bounded, and only hex is passed on.
 *
 * @throws CaliberError WRITER_SIGNER_DOWN, WRITER_SIGNER_WRONG; COSIGNER_DOWN, COSIGNER_WRONG
 */
export async function askSigner(options: {
  kind: SignerKind;
  url: string;
  method: string;
  params: unknown[];
  signal?: AbortSignal;
}): Promise<Hex> {
  const { kind, url, method, params, signal } = options;
  const timeout = AbortSignal.timeout(timeout_ms);
  let text: string;
  let ok: boolean;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      redirect: "error",
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    text = await readBounded(response);
    ok = response.ok;
  } catch (cause) {
    throw signerDown(kind, cause);
  }
  const answer = parse(text);
  // A proxy in front of a signer that is away has a page to show for it.
  if (answer === null) throw ok ? signerWrong(kind, "answers with no JSON object") : signerDown(kind);
  const { result, error } = answer;
  if (error !== undefined && error !== null) {
    const { message } = error as { message?: unknown };
    throw signerWrong(kind, `refuses ${method}: ${String(message).slice(0, 200)}`);
  }
  // geth's form, beside the plain hex of web3signer.
  const raw = typeof result === "object" && result !== null ? (result as { raw?: unknown }).raw : result;
  if (!isHex(raw)) throw signerWrong(kind, `answers ${method} with no hex`);
  return raw;
}

/** The JSON of EIP-712 that `eth_signTypedData` takes. `domain` is of all four members. */
export function typedDataJson({ types, domain, primaryType, message }: TypedDataDefinition): string {
  const eip712 = { types: { EIP712Domain: domainType, ...types }, domain, primaryType, message };
  return JSON.stringify(eip712, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

function signerDown(kind: SignerKind, cause?: unknown): CaliberError {
  const code = kind === "writer" ? "WRITER_SIGNER_DOWN" : "COSIGNER_DOWN";
  return new CaliberError(code, `${names[kind]} does not answer`, { cause, disposition: "retryable" });
}

export function signerWrong(kind: SignerKind, what: string, cause?: unknown): CaliberError {
  const code = kind === "writer" ? "WRITER_SIGNER_WRONG" : "COSIGNER_WRONG";
  return new CaliberError(code, `${names[kind]}: ${what}`, { cause, disposition: "user" });
}

/** Members of the domains of CaliberHealth and CaliberGate, all that is ever signed as typed data. */
const domainType = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > answer_max_bytes) throw new Error(`an answer of more than ${answer_max_bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): { result?: unknown; error?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
