import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { type Address, createWalletClient, type Hex, http, numberToHex } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chainTransport } from "../chain/chainTransport.js";
import { type Anvil, startAnvil } from "../chain/testing/startAnvil.js";
import { originationState } from "../credit/schedule/originationState.js";
import { testAddress } from "../credit/testing/testTerms.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { type LoanIndex, startLoanIndex } from "./startLoanIndex.js";
import { emitData, emitterCode } from "./testing/emitterCode.js";
import { hashOf, loanLog, loanOn, type RawLog, testSettings } from "./testing/loanLog.js";

const terms = { ...loanOn([5n, 6n]), currency_token: testAddress(0x2001) };
const loan = hashOf(terms);
/** The development chain's first account; it needs no key there. */
const sender: Address = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

describe("the loan index on a node", () => {
  let anvil: Anvil;
  let db: Db;
  let index: LoanIndex;

  const start = (): LoanIndex =>
    startLoanIndex({
      db,
      transport: chainTransport(anvil.url),
      settings: testSettings,
      poll_ms: 20,
      log: pino({ level: "silent" }),
      now_ms: Date.now,
    });

  async function emit(...logs: RawLog[]): Promise<void> {
    const wallet = createWalletClient({ transport: http(anvil.url) });
    for (const log of logs) {
      await wallet.sendTransaction({ account: sender, chain: null, to: log.address, data: emitData(log) });
    }
  }

  async function answerWith(address: Address, words: bigint[]): Promise<void> {
    for (const [slot, word] of words.entries()) {
      await anvil.rpc("anvil_setStorageAt", [address, numberToHex(slot), numberToHex(word, { size: 32 })]);
    }
  }

  async function until(check: () => void): Promise<void> {
    for (let left = 200; ; left -= 1) {
      try {
        check();
        return;
      } catch (error) {
        if (left === 0) throw error;
        await sleep(25);
      }
    }
  }

  beforeEach(async () => {
    anvil = await startAnvil();
    for (const address of [testSettings.router, testSettings.timelock, terms.currency_token]) {
      await anvil.rpc("anvil_setCode", [address, emitterCode]);
    }
    await answerWith(terms.currency_token, [6n]);
    db = openDatabase(":memory:");
    index = start();
  });

  afterEach(async () => {
    await index.stop();
    await anvil.kill();
    db.close();
  });

  it("follows a loan through a reorganisation, a stop and a dead node", async () => {
    const state = originationState(terms, 1_768_435_200, 6);
    await answerWith(testSettings.router, [1n, 0n, BigInt(state.origination_s), state.scaled_balance]);
    await emit(loanLog.deposited(terms));
    await until(() => expect(index.view.loansOfTokens([5n]).get(5n)).toMatchObject({ hold: "staged" }));

    await emit(loanLog.withdrawn(terms), loanLog.originated(terms), loanLog.breached(terms));
    await until(() => expect(index.view.loan(loan)).toMatchObject({ phase: "breached", terms }));
    await until(() =>
      expect(index.view.loan(loan)?.chain_state).toEqual({ ...state, block_number: 4, decimals: 6 }),
    );
    const { originated } = index.view.loan(loan)!;
    expect(originated).toMatchObject({ block_number: 3, log_index: 0 });
    const block = (await anvil.rpc("eth_getBlockByNumber", ["0x3", false])) as { hash: Hex; timestamp: Hex };
    expect(originated).toMatchObject({ block_hash: block.hash, time_s: Number(block.timestamp) });

    // The breach and the origination never were; another block takes their height.
    await anvil.rpc("anvil_reorg", [2, []]);
    await anvil.rpc("anvil_mine", ["0x1"]);
    await until(() => expect(index.view.loan(loan)).toMatchObject({ phase: "taken", chain_state: null }));

    await index.stop();
    await emit(loanLog.originated(terms), loanLog.repaid(terms, 7n, true));
    index = start();
    await until(() => expect(index.view.loansOfTokens([6n]).get(6n)).toMatchObject({ hold: "free" }));
    expect(index.view.loan(loan)).toMatchObject({ phase: "repaid", repaid: { payments: 1, principal: 7n } });
    expect(index.fault()).toBeNull();

    await anvil.kill();
    await until(() => expect(index.fault()).toMatchObject({ code: "LOANS_RPC" }));
    expect(index.view.loan(loan)).toMatchObject({ phase: "repaid" });
  });

  it("is not held up by a currency that answers nonsense, reverts or is none", async () => {
    // The SHA-256 precompile answers 32 bytes to anything; 0xfe is no instruction.
    const broken = testAddress(0x2002);
    await anvil.rpc("anvil_setCode", [broken, "0xfe"]);
    const strange = [testAddress(2), broken, testAddress(0x2003)];
    const loans = strange.map((currency_token, i) => ({ ...loanOn([BigInt(i)], i), currency_token }));
    await answerWith(testSettings.router, [1n, 0n, 1n, 9n]);
    for (const each of loans) await emit(loanLog.originated(each));
    for (const each of loans) {
      await until(() =>
        expect(index.view.loan(hashOf(each))?.chain_state).toMatchObject({
          scaled_balance: 9n,
          decimals: null,
        }),
      );
    }
    expect(index.fault()).toBeNull();
  });

  it("confirms by depth, and asks a real node by ranges", async () => {
    await emit(loanLog.deposited(terms));
    await anvil.rpc("anvil_mine", [numberToHex(200)]);
    await until(() => expect(index.view.status().confirmed_number).toBe(137));
    expect(index.view.loan(loan)).toMatchObject({ phase: "staged", confirmed_phase: "staged" });
    await emit(loanLog.canceled(terms));
    await until(() =>
      expect(index.view.loan(loan)).toMatchObject({ phase: "returned", confirmed_phase: "staged" }),
    );
    index.view.assertCurrent(60_000);
  });
});
