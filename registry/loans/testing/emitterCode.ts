import { concatHex, type Hex, numberToHex, pad } from "viem";
import type { RawLog } from "./loanLog.js";

/**
 * EVM code of a stand-in that logs what it is told, and answers every other call with its first four storage slots: a
 * real node's logs, without a contract to compile. A call whose first word is a small number is a log of that many
 * topics, which follow in four words, and its data after them.
 */
export const emitterCode: Hex = concatHex([
  "0x5f358060e01c604d57", // PUSH0 CALLDATALOAD DUP1 0xe0 SHR @read JUMPI
  "0x60a036038060a05f3790", // 0xa0 CALLDATASIZE SUB DUP1 0xa0 PUSH0 CALLDATACOPY SWAP1
  "0x80600414603b5780600314602c57", // DUP1 0x04 EQ @four JUMPI DUP1 0x03 EQ @three JUMPI
  "0x50604035602035825fa200", // POP 0x40 CALLDATALOAD 0x20 CALLDATALOAD DUP3 PUSH0 LOG2 STOP
  "0x5b50606035604035602035835fa300", // three: JUMPDEST POP 0x60 CALLDATALOAD 0x40 CALLDATALOAD 0x20 CALLDATALOAD DUP4 PUSH0 LOG3 STOP
  "0x5b50608035606035604035602035845fa400", // four: JUMPDEST POP 0x80 CALLDATALOAD 0x60 CALLDATALOAD 0x40 CALLDATALOAD 0x20 CALLDATALOAD DUP5 PUSH0 LOG4 STOP
  "0x5b5f545f5260015460205260025460405260035460605260805ff3", // read: JUMPDEST PUSH0 SLOAD PUSH0 MSTORE 0x01 SLOAD 0x20 MSTORE 0x02 SLOAD 0x40 MSTORE 0x03 SLOAD 0x60 MSTORE 0x80 PUSH0 RETURN
]);

/** The call that makes the stand-in write this log. */
export function emitData({ topics, data }: RawLog): Hex {
  const words = [0, 1, 2, 3].map((i) => topics[i] ?? numberToHex(0, { size: 32 }));
  return concatHex([pad(numberToHex(topics.length), { size: 32 }), ...words, data]);
}
