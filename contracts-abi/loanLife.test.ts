import { BaseError, ContractFunctionRevertedError } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HealthState, healthStates } from "../protocol/health/healthState.js";
import {
  borrower,
  controller,
  type LoanWorld,
  newGpu,
  openLoanWorld,
  operator,
  principal,
  type Titled,
} from "../test/support/loanWorld.js";

/** `retired` is never posted. */
const states = (Object.keys(healthStates) as HealthState[]).filter((state) => state !== "retired");
const status = { active: 1, repaid: 2, breached: 3, liquidated: 4, sold: 5 };
const lower = ({ address }: { address: string }) => address.toLowerCase();

let world: LoanWorld;
let first: Titled;
let second: Titled;
beforeAll(async () => {
  world = await openLoanWorld();
  first = await world.mint(newGpu("first"));
  second = await world.mint(newGpu("second"));
});
afterAll(() => world?.close());

const ids = () => [first.token_id, second.token_id];
const both = (state: HealthState): [bigint, HealthState][] => ids().map((id) => [id, state]);

/** Healthy, staged and originated by the gate's leave. */
async function pledge() {
  await world.post(both("healthy"));
  const terms = await world.terms(ids());
  await world.stage(terms);
  await world.originate(terms, await world.approval(terms));
  expect(await world.holderOf(first.token_id)).toBe(world.router);
  return terms;
}

/** Stale comes by itself. */
async function fall(state: HealthState): Promise<void> {
  if (state === "stale") await world.later(4 * 3600);
  else await world.post(both(state));
  expect(await world.stateOf(first.token_id)).toBe(healthStates[state]);
}

/** The error that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<string | undefined> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BaseError))
    throw new Error("the call was not refused by a contract", { cause: error });
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  return revert instanceof ContractFunctionRevertedError
    ? (revert.data?.errorName ?? revert.signature)
    : undefined;
}

describe("a title's life with a loan on it", () => {
  it.each(states)("mint, timelock, originate, %s, repay, return", (state) =>
    world.trying(async () => {
      const terms = await pledge();
      await fall(state);
      await world.repay(terms, principal / 4n);
      expect(await world.statusOf(terms)).toBe(status.active);
      // The stand-in's balance is the principal: what is left returns the collateral.
      await world.repay(terms, principal - principal / 4n);
      expect(await world.statusOf(terms)).toBe(status.repaid);
      for (const id of ids()) expect(await world.holderOf(id)).toBe(lower(borrower));
      expect(await world.consenterOf(first.token_id)).toBe(lower(borrower));
      await world.redeem(borrower, first.token_id);
    }),
  );

  it.each(states)("mint, timelock, originate, %s, breach, liquidator", (state) =>
    world.trying(async () => {
      const terms = await pledge();
      await fall(state);
      await world.breach(terms);
      expect(await refusal(world.repay(terms, 1n))).toBe("InvalidLoanState");
      await world.liquidate(terms);
      expect(await world.statusOf(terms)).toBe(status.liquidated);
      for (const id of ids()) expect(await world.holderOf(id)).toBe(lower(operator));
      await world.sell(terms, principal / 2n);
      expect(await world.statusOf(terms)).toBe(status.sold);
      await world.redeem(operator, second.token_id);
    }),
  );

  it("goes back to its holder from the timelock when nothing comes of the loan", () =>
    world.trying(async () => {
      const terms = await world.terms(ids());
      await world.stage(terms, 600);
      await fall("lost");
      expect(await refusal(world.unstage(terms))).toBe("InvalidTimestamp");
      await world.later(601);
      await world.unstage(terms);
      expect(await world.holderOf(first.token_id)).toBe(lower(borrower));
    }));
});

describe("between approval and origination", () => {
  // The policy accepts `healthy` alone.
  it.each(states)("a GPU that is %s then", (state) =>
    world.trying(async () => {
      await world.post(both("healthy"));
      const terms = await world.terms(ids());
      await world.stage(terms);
      const signature = await world.approval(terms);
      if (state === "stale") await world.later(4 * 3600);
      else
        await world.post([
          [first.token_id, "healthy"],
          [second.token_id, state],
        ]);
      if (state === "healthy") {
        await world.originate(terms, signature);
        expect(await world.statusOf(terms)).toBe(status.active);
        return;
      }
      expect(await refusal(world.originate(terms, signature))).toBe("InvalidSignature");
      expect(await world.statusOf(terms)).toBe(0);
      expect(await world.holderOf(second.token_id)).toBe(world.timelock);
      // Nothing was used up: well again, it goes on with the same signature.
      await world.post(both("healthy"));
      await world.originate(terms, signature);
      expect(await world.statusOf(terms)).toBe(status.active);
    }),
  );

  it("stops for silicon that answers no more, a dispute, another key, and a deadline gone by", () =>
    world.trying(async () => {
      await world.post(both("healthy"));
      const terms = await world.terms(ids());
      await world.stage(terms);
      const signature = await world.approval(terms);
      const stopped = () =>
        world.trying(async () => {
          expect(await refusal(world.originate(terms, signature))).toBe("InvalidSignature");
        });
      await world.trying(async () => {
        await world.post(both("healthy"), false);
        await stopped();
      });
      await world.trying(async () => {
        await world.dispute(second.token_id, 86_400);
        await stopped();
      });
      await world.trying(async () => {
        await world.rotate(first, newGpu("first's next key"));
        await stopped();
      });
      await world.trying(async () => {
        await world.later(86_401);
        await world.post(both("healthy"));
        await stopped();
      });
      await world.originate(terms, signature);
    }));
});

describe("in the middle of a loan", () => {
  it("a GPU is replaced by the lender's leave, another rotates its key, and the same ids come back", () =>
    world.trying(async () => {
      const terms = await pledge();
      await expect(world.replace(first, newGpu("RMA"), borrower)).rejects.toThrow(/ConsentInvalid/);
      const replaced = await world.replace(first, newGpu("RMA"), controller);
      const rotated = await world.rotate(second, newGpu("second's next key"));
      expect(await world.titleOf(first.token_id)).toMatchObject({
        deviceKeyHash: replaced.device,
        strongIdentity: replaced.strong,
        amendments: 1n,
      });
      expect(await world.titleOf(second.token_id)).toMatchObject({
        deviceKeyHash: rotated.device,
        strongIdentity: second.strong,
      });
      await world.repay(terms, principal);
      for (const id of ids()) expect(await world.holderOf(id)).toBe(lower(borrower));
    }));

  it("nobody replaces what has no controller, and what is pledged is not pledged again", () =>
    world.trying(async () => {
      await world.setController(borrower, first.token_id);
      const terms = await pledge();
      await expect(world.setController(borrower, first.token_id)).rejects.toThrow(/NotInControl/);
      await expect(world.replace(first, newGpu("RMA"), controller)).rejects.toThrow(/ConsentInvalid/);
      const again = await world.terms(ids(), { options: "0x01" });
      await expect(world.stage(again)).rejects.toThrow(/ERC721InsufficientApproval/);
      expect(await world.statusOf(terms)).toBe(status.active);
    }));
});
