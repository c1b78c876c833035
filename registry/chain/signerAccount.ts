import {
  type Address,
  type Hex,
  isHex,
  keccak256,
  type LocalAccount,
  numberToHex,
  parseTransaction,
  recoverTransactionAddress,
  recoverTypedDataAddress,
  serializeTransaction,
  type TransactionSerializable,
  type TransactionSerialized,
  type TypedDataDefinition,
} from "viem";
import { toAccount } from "viem/accounts";
import { CaliberError } from "../../protocol/errors.js";

const timeout_ms = 10_000;

/**
 * An account whose key another process holds: web3signer, or what speaks as it does (`eth_signTransaction`,
 * `eth_signTypedData`). What comes back is held against what was asked for: a signer with another key, or one that
 * changes nonce, fee or call, is never believed.
 *
 * @throws CaliberError OPTION_INVALID for an address that is neither https nor on loopback; WRITER_SIGNER_DOWN and
 *   WRITER_SIGNER_WRONG from signing
 */
export function signerAccount(url: string, address: Address): LocalAccount {
  checkUrl(url);
  return toAccount({
    address,
    async signMessage() {
      throw new CaliberError("WRITER_SIGNER_WRONG", "the writer signs no messages", {
        disposition: "internal",
      });
    },
    async signTransaction(transaction) {
      const raw = await ask(url, "eth_signTransaction", [rpcTransaction(address, transaction)]);
      await checkTransaction(raw, transaction, address);
      return raw;
    },
    async signTypedData(definition) {
      const { types, domain, primaryType, message } = definition as TypedDataDefinition;
      const eip712 = { types: { EIP712Domain: domainType, ...types }, domain, primaryType, message };
      const text = JSON.stringify(eip712, (_, value) => (typeof value === "bigint" ? String(value) : value));
      const signature = await ask(url, "eth_signTypedData", [address, text]);
      const signer = await recoverTypedDataAddress({
        ...(definition as TypedDataDefinition),
        signature,
      }).catch((cause: unknown) => {
        throw wrong("no signature", cause);
      });
      if (!same(signer, address)) throw wrong("signed typed data by another key, or other data");
      return signature;
    },
  }) as LocalAccount;
}

/** Members of the domain of CaliberHealth's posts, the one typed data that the writer signs. */
const domainType = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];

/** What is signed moves titles' health: it is not to be read or forged on the way. */
function checkUrl(url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  const loopback = /^(127\.[0-9.]+|localhost|\[::1\])$/.test(hostname);
  if (protocol === "https:" || (protocol === "http:" && loopback)) return;
  throw new CaliberError("OPTION_INVALID", "--writer-signer is https, or http on this machine's loopback", {
    disposition: "user",
  });
}

function rpcTransaction(from: Address, transaction: TransactionSerializable): Record<string, unknown> {
  const { to, data, value = 0n, nonce, gas, maxFeePerGas, maxPriorityFeePerGas, chainId } = transaction;
  const hex = (number: number | bigint | undefined) =>
    number === undefined ? undefined : numberToHex(number);
  return {
    from,
    to,
    data,
    value: hex(value),
    nonce: hex(nonce),
    gas: hex(gas),
    maxFeePerGas: hex(maxFeePerGas),
    maxPriorityFeePerGas: hex(maxPriorityFeePerGas),
    chainId: hex(chainId),
    type: "0x2",
  };
}

async function checkTransaction(raw: Hex, asked: TransactionSerializable, address: Address): Promise<void> {
  let unsigned: Hex;
  let signer: Address;
  try {
    const {
      r: _r,
      s: _s,
      v: _v,
      yParity: _y,
      ...rest
    } = parseTransaction(raw) as TransactionSerializable & {
      yParity?: number;
    };
    unsigned = serializeTransaction(rest as TransactionSerializable);
    signer = await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized });
  } catch (cause) {
    throw wrong("no signed transaction", cause);
  }
  if (keccak256(unsigned) !== keccak256(serializeTransaction(asked)))
    throw wrong("signed another transaction");
  if (!same(signer, address)) throw wrong("signed by another key");
}

async function ask(url: string, method: string, params: unknown[]): Promise<Hex> {
  let answer: { result?: unknown; error?: { message?: unknown } };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(timeout_ms),
    });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new CaliberError("WRITER_SIGNER_DOWN", "the writer's signer does not answer", {
      cause,
      disposition: "retryable",
    });
  }
  const { result, error } = answer;
  if (error !== undefined && error !== null) throw wrong(`refuses ${method}: ${String(error.message)}`);
  // geth's form, beside the plain hex of web3signer.
  const raw = typeof result === "object" && result !== null ? (result as { raw?: unknown }).raw : result;
  if (!isHex(raw)) throw wrong(`answers ${method} with no hex`);
  return raw;
}

function wrong(what: string, cause?: unknown): CaliberError {
  return new CaliberError("WRITER_SIGNER_WRONG", `the writer's signer: ${what}`, {
    cause,
    disposition: "user",
  });
}

function same(one: Address, other: Address): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
