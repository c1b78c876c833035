import {
  type Address,
  type Hex,
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
import { askSigner, signerWrong, typedDataJson } from "./askSigner.js";
import { checkSignerUrl } from "./checkSignerUrl.js";

/**
 * An account whose key another process holds: web3signer, or what speaks as it does (`eth_signTransaction`,
 * `eth_signTypedData`). What comes back is held against what was asked for: a signer with another key, or one that
 * changes nonce, fee or call, is never believed.
 *
 * @throws CaliberError OPTION_INVALID for an address that is neither https nor on loopback; WRITER_SIGNER_DOWN and
 *   WRITER_SIGNER_WRONG from signing
 */
export function signerAccount(url: string, address: Address): LocalAccount {
  checkSignerUrl(url, "writer-signer");
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
      const text = typedDataJson(definition as TypedDataDefinition);
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

function ask(url: string, method: string, params: unknown[]): Promise<Hex> {
  return askSigner({ kind: "writer", url, method, params });
}

function wrong(what: string, cause?: unknown): CaliberError {
  return signerWrong("writer", what, cause);
}

function same(one: Address, other: Address): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
