import pino from "pino";
import {
  type AbiFunction,
  type Address,
  custom,
  type Hex,
  keccak256,
  numberToHex,
  size,
  toFunctionSelector,
  zeroAddress,
} from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberGateAbi } from "../../contracts-abi/abi/CaliberGate.js";
import { type HealthState, healthStates } from "../../protocol/health/healthState.js";
import type { ChainBody } from "../../protocol/log/entryBodies.js";
import {
  borrower,
  controller,
  type LoanWorld,
  newGpu,
  openLoanWorld,
  operator,
  registrar,
  type Titled,
} from "../../test/support/loanWorld.js";
import { chainClient } from "../chain/chainClient.js";
import { chainTransport } from "../chain/chainTransport.js";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import { createDeviceFold, type DeviceFold } from "../health/deviceFold.js";
import { createLoanIndexer } from "../loans/loanIndexer.js";
import { loanJson } from "../loans/loanJson.js";
import { createLoanStore } from "../loans/loanStore.js";
import { createLoanView } from "../loans/loanView.js";
import { viemLoanChain } from "../loans/viemLoanChain.js";
import { openDatabase } from "../store/openDatabase.js";
import { encodeFingerprintOptions } from "./agreedFingerprints.js";
import { combineApprovals } from "./combineApprovals.js";
import { type ApproverOptions, createApprover } from "./createApprover.js";
import { gateSignature } from "./gateApproval.js";

const states = Object.keys(healthStates) as HealthState[];
const lower = (text: string): Address => text.toLowerCase() as Address;

let world: LoanWorld;
let first: Titled;
let second: Titled;
beforeAll(async () => {
  world = await openLoanWorld();
  first = await world.mint(newGpu("first"));
  second = await world.mint(newGpu("second"));
  await world.post([
    [first.token_id, "healthy"],
    [second.token_id, "healthy"],
  ]);
});
afterAll(() => world?.close());

const ids = () => [first.token_id, second.token_id];

/** A device as a registry that has all of its good reports knows it. */
function foldOf(gpu: Titled, id: number): DeviceFold {
  const { token, chain_id } = world.deployment;
  return {
    ...createDeviceFold({
      id,
      device: gpu.device.slice(2),
      host: `h-${id}`,
      label: "",
      simulated: true,
      recipient: borrower.address,
      key: "software",
      enrolled_ms: 0,
      enrolment: 0,
    }),
    state: "healthy",
    cause: "none",
    fresh_ms: 1_000_000,
    inventory: { weak_identity: gpu.weak.slice(2) } as DeviceFold["inventory"],
    silicon: {
      strong_identity: gpu.strong.slice(2),
      statement: "",
      at_ms: 1_000_000,
      latency_ms: 1,
      lapsed: false,
    },
    token: {
      chain_id,
      contract: token,
      token_id: String(gpu.token_id),
      tx: "0x",
      material: "",
      amended_ms: null,
      rotated_ms: null,
      key: "d".repeat(64),
    },
  };
}

let folds: DeviceFold[];
let recorded: ChainBody[];
let revoked: Set<string>;
beforeEach(() => {
  folds = [foldOf(first, 1), foldOf(second, 2)];
  recorded = [];
  revoked = new Set();
});

/** An approver whose index has read the chain to its end just now, unless told otherwise. */
async function open(
  changes: Partial<ApproverOptions> = {},
  isRead = true,
  others: Partial<Pick<LoanWorld, "router" | "timelock">> = {},
) {
  const { deployment, router, timelock, anvil } = world;
  const client = chainClient(chainTransport(anvil.url));
  const settings = {
    chain_id: deployment.chain_id,
    router,
    timelock,
    collateral: deployment.token,
    start_block: 1,
    depth_blocks: 64,
    range_blocks: 1000,
  };
  const now_ms = () => 1_000_000;
  const store = createLoanStore(openDatabase(":memory:"), settings);
  const chain = viemLoanChain(client, settings);
  const indexer = createLoanIndexer({ chain, store, settings, log: pino({ level: "silent" }), now_ms });
  if (isRead) while ((await indexer.step()) === "behind");
  return createApprover({
    nodes: [{ name: "node", client }],
    account: registrar,
    deployment,
    loans: {
      view: createLoanView(store, settings, now_ms),
      router,
      timelock,
      max_age_ms: 60_000,
      ...others,
    },
    devices: () => folds,
    isRevoked: (host) => revoked.has(host),
    fresh_within_ms: () => 300_000,
    record: (body) => void recorded.push(body),
    now_ms,
    ...changes,
  });
}

async function staged(changes: Partial<LoanTerms> = {}): Promise<LoanTerms> {
  const terms = await world.terms(ids(), changes);
  await world.stage(terms);
  return terms;
}

/** `CODE` for the loan, `CODE token` for a token, as a list: nothing else may fail. */
async function failures(terms: LoanTerms, changes: Partial<ApproverOptions> = {}, isRead = true) {
  const answer = await (await open(changes, isRead)).approve(terms, null);
  if (answer.approved) throw new Error("approved");
  for (const { text } of answer.failures) expect(text).not.toBe("");
  return answer.failures.map(({ code, token_id }) => (token_id === null ? code : `${code} ${token_id}`));
}

describe("a loan with nothing wrong", () => {
  it("is signed so that the router originates it, and stands in the log before", () =>
    world.trying(async () => {
      const terms = await staged();
      const answer = await (await open()).approve(terms, null);
      if (!answer.approved) throw new Error(JSON.stringify(answer.failures));
      const fingerprints = await Promise.all(ids().map(world.fingerprintOf));
      expect(answer).toMatchObject({
        loan: world.hashOf(terms),
        gate: world.deployment.gate,
        approval: { token_ids: ids(), fingerprints },
        threshold: 1,
      });
      expect(recorded).toEqual([
        {
          type: "approved",
          loan: world.hashOf(terms),
          gate: world.deployment.gate,
          token_ids: ids().map(String),
          fingerprints,
          deadline_s: answer.approval.deadline_s,
          attestor: lower(registrar.address),
          block: answer.block.number,
          block_hash: answer.block.hash,
        },
      ]);
      await world.originate(terms, answer.signature!);
      expect(await world.statusOf(terms)).toBe(1);
      expect(await failures(terms)).toEqual([
        "LOAN_STARTED",
        "NOT_STAGED",
        ...ids().map((id) => `NOT_IN_TIMELOCK ${id}`),
      ]);
    }));

  it("is originated with what two of three attestors have signed, and not with less", () =>
    world.trying(async () => {
      const [deputy, third] = [operator, controller];
      await world.setAttestors([registrar, deputy, third], 2);
      const terms = await staged();
      const deadline_s = (await world.now_s()) + 3600;
      /** As it reaches whoever combines: a file of JSON from each registry. */
      const answerOf = async (account: typeof registrar, until_s = deadline_s) => {
        const answer = await (await open({ account })).approve(terms, until_s);
        expect(answer).toMatchObject({ approved: true, threshold: 2, signature: null });
        return JSON.parse(JSON.stringify(loanJson(answer)));
      };
      const answers = [await answerOf(registrar), await answerOf(third)];
      const forged = structuredClone(answers[0]);
      forged.attestor_signature.attestor = deputy.address;
      await expect(world.originate(terms, combineApprovals([answers[0], forged]).signature)).rejects.toThrow(
        /InvalidSignature/,
      );
      const short = gateSignature(combineApprovals(answers).approval, [answers[1].attestor_signature]);
      await expect(world.originate(terms, short)).rejects.toThrow(/InvalidSignature/);
      const later = await answerOf(deputy, deadline_s + 1);
      expect(() => combineApprovals([answers[0], later])).toThrow(/another deadline_s/);
      await world.originate(terms, combineApprovals(answers).signature);
      expect(await world.statusOf(terms)).toBe(1);
    }));

  it("is signed until a deadline within a day", () =>
    world.trying(async () => {
      const terms = await staged();
      const approver = await open();
      const now_s = await world.now_s();
      const answer = await approver.approve(terms, now_s + 86_400);
      expect(answer).toMatchObject({ approved: true, approval: { deadline_s: now_s + 86_400 } });
      for (const deadline_s of [now_s, now_s + 86_401]) {
        await expect(approver.approve(terms, deadline_s)).rejects.toMatchObject({ code: "DEADLINE_INVALID" });
      }
    }));

  it("may name its titles' fingerprints, which then must be theirs", () =>
    world.trying(async () => {
      const prints = await Promise.all(ids().map(world.fingerprintOf));
      const bound = await staged({ options: encodeFingerprintOptions(prints) });
      expect(await (await open()).approve(bound, null)).toMatchObject({ approved: true });
      const swapped = await world.terms(ids(), { options: encodeFingerprintOptions(prints.toReversed()) });
      const short = await world.terms(ids(), { options: encodeFingerprintOptions(prints.slice(0, 1)) });
      const torn = encodeFingerprintOptions(prints).slice(0, -64) as Hex;
      const notAgreed = ids().map((id) => `FINGERPRINT_NOT_AGREED ${id}`);
      expect(await failures(swapped)).toEqual(expect.arrayContaining(notAgreed));
      expect(await failures(short)).toContain(notAgreed[1]);
      expect(await failures(short)).not.toContain(notAgreed[0]);
      expect(await failures(await world.terms(ids(), { options: torn }))).toEqual(
        expect.arrayContaining(notAgreed),
      );
    }));
});

describe("a loan is not signed, and nothing is logged, when", () => {
  const refused = (terms: LoanTerms, codes: string[], changes: Partial<ApproverOptions> = {}) =>
    failures(terms, changes).then((found) => {
      expect(found).toEqual(codes);
      expect(recorded).toEqual([]);
    });

  it("everything is wrong: all of it is told", () =>
    world.trying(async () => {
      folds[0]!.state = "impaired";
      folds[0]!.fresh_ms = null;
      folds[0]!.silicon!.lapsed = true;
      revoked.add("h-1");
      await world.post([[first.token_id, "impaired"]], false);
      await world.dispute(first.token_id, 86_400);
      const terms = await world.terms([first.token_id, 99n, 99n], {
        approval_addresses: [],
        collateral_token: zeroAddress,
      });
      const [one] = ids();
      await refused(terms, [
        "TERMS_REFUSED",
        "COLLATERAL_FOREIGN",
        "TOKEN_REPEATED",
        "GATE_NOT_NAMED",
        "NOT_STAGED",
        `HOST_REVOKED ${one}`,
        `NOT_FRESH ${one}`,
        `HEALTH_REFUSED ${one}`,
        `ASSURANCE_MISSING ${one}`,
        `PRESENCE_STALE ${one}`,
        `NOT_IN_TIMELOCK ${one}`,
        `TITLE_DISPUTED ${one}`,
        `HEALTH_ON_CHAIN_REFUSED ${one}`,
        `PRESENCE_ON_CHAIN_STALE ${one}`,
        "TOKEN_UNKNOWN 99",
        "TITLE_MISSING 99",
      ]);
    }));

  it.each(states.filter((state) => state !== "healthy"))("a device is %s, here or on chain", (state) =>
    world.trying(async () => {
      const terms = await staged();
      folds[1]!.state = state;
      await refused(terms, [`HEALTH_REFUSED ${second.token_id}`]);
      folds[1]!.state = "healthy";
      if (state === "stale") await world.later(4 * 3600);
      // The chain's word for a retired device is stale.
      else await world.post([[second.token_id, state === "retired" ? "stale" : state]]);
      const gone = state === "stale" ? ids() : [second.token_id];
      await refused(
        terms,
        gone.flatMap((id) => [
          `HEALTH_ON_CHAIN_REFUSED ${id}`,
          ...(state === "stale" ? [`PRESENCE_ON_CHAIN_STALE ${id}`] : []),
        ]),
      );
    }),
  );

  it("the evidence is old, though no tick has said so yet", () =>
    world.trying(async () => {
      const terms = await staged();
      folds[1]!.fresh_ms = 1_000_000 - 300_001;
      await refused(terms, [`NOT_FRESH ${second.token_id}`]);
      folds[1]!.fresh_ms += 1;
      expect(await (await open()).approve(terms, null)).toMatchObject({ approved: true });
    }));

  it("the title is not that of the hardware as the registry knows it", () =>
    world.trying(async () => {
      const terms = await staged();
      const differs = [`FINGERPRINT_DIFFERS ${second.token_id}`];
      folds[1]!.silicon!.strong_identity = newGpu("other silicon").strong.slice(2);
      await refused(terms, differs);
      folds[1] = foldOf(second, 2);
      folds[1].inventory!.weak_identity = newGpu("other board").weak.slice(2);
      await refused(terms, differs);
      folds[1] = foldOf(second, 2);
      await world.rotate(second, newGpu("another key"));
      await refused(terms, differs);
    }));

  it("it is staged for another loan, in another order, or no longer", () =>
    world.trying(async () => {
      const terms = await world.terms(ids());
      const other = await world.terms(ids(), { options: "0x01" });
      await world.stage(other, 3600);
      await refused(terms, ["NOT_STAGED", ...ids().map((id) => `PLEDGED ${id}`)]);
      const turned = await world.terms(ids().toReversed(), { options: "0x01" });
      expect(await failures(turned)).toContain("NOT_STAGED");
      await world.later(3600);
      expect(await failures(other)).toContain("NOT_STAGED");
    }));

  it("its gate, its attestor or its custodians are not those that count", () =>
    world.trying(async () => {
      const terms = await staged();
      await refused(terms, ["ATTESTOR_UNKNOWN"], { account: controller });
      const { deployment } = world;
      const elsewhere = { ...deployment, health: deployment.log };
      const invalid = (what: string) => ({
        code: "CONTRACT_INVALID",
        message: expect.stringContaining(what),
      });
      await expect(failures(terms, { deployment: elsewhere })).rejects.toMatchObject(
        invalid("is no CaliberHealth"),
      );
      for (const gate of [lower(deployment.token), lower(borrower.address)]) {
        await expect(failures(terms, { deployment: { ...deployment, gate } })).rejects.toMatchObject(
          invalid(`${gate} is no CaliberGate`),
        );
      }
      const { router, timelock } = world;
      for (const [wrong, name] of [
        [{ router: lower(deployment.log), timelock }, "LoanRouterV2"],
        [{ router, timelock: lower(borrower.address) }, "CollateralTimelock"],
      ] as const) {
        const approver = await open();
        expect(await approver.approve(terms, null)).toMatchObject({ approved: true });
        recorded.length = 0;
        await expect(open({}, true, wrong).then((other) => other.approve(terms, null))).rejects.toMatchObject(
          invalid(`is no ${name}`),
        );
      }
    }));

  it("the loan index has not read the chain to its end", () =>
    world.trying(async () => {
      const terms = await staged();
      expect(await failures(terms, {}, false)).toEqual(["LOANS_NOT_CURRENT"]);
      expect(recorded).toEqual([]);
    }));
});

describe("several nodes", () => {
  /** What a node says instead of the truth, by method. */
  type Lie = (method: string, params: unknown, truth: () => Promise<unknown>) => Promise<unknown>;
  const node = (name: string, lie: Lie = (_method, _params, truth) => truth()) => {
    const truthful = chainTransport(world.anvil.url)({ retryCount: 0 });
    return {
      name,
      client: chainClient(
        custom({
          request: ({ method, params }: { method: string; params?: unknown }) =>
            lie(method, params, () => truthful.request({ method, params } as never)),
        }),
      ),
    };
  };
  const approve = async (terms: LoanTerms, ...nodes: ReturnType<typeof node>[]) =>
    (await open({ nodes })).approve(terms, null);

  it("that agree are one", () =>
    world.trying(async () => {
      const terms = await staged();
      expect(await approve(terms, node("a"), node("b"), node("c"))).toMatchObject({ approved: true });
    }));

  it("are asked about the newest block that all have", () =>
    world.trying(async () => {
      const terms = await staged();
      const before = await world.client.getBlockNumber();
      await world.anvil.rpc("evm_mine");
      const behind = node("b", async (method, params, truth) => {
        if (method === "eth_blockNumber") return numberToHex(before);
        const [tag] = (params ?? []) as unknown[];
        if (method !== "eth_getBlockByNumber" || tag !== "latest") return truth();
        return world.anvil.rpc("eth_getBlockByNumber", [numberToHex(before), false]);
      });
      expect(await approve(terms, node("a"), behind)).toMatchObject({
        approved: true,
        block: { number: Number(before) },
      });
    }));

  it.each<[string, string, Lie]>([
    [
      "another block by the number",
      "a and b have different blocks",
      async (method, _params, truth) => {
        const block = (await truth()) as { hash: Hex; number: Hex };
        const isNewest =
          method === "eth_getBlockByNumber" && BigInt(block.number) > BigInt(world.deployment.block.number);
        return isNewest ? { ...block, hash: keccak256(block.hash) } : block;
      },
    ],
    [
      "another story of the same block",
      "a and b say different things of block",
      async (method, params, truth) => {
        const answer = (await truth()) as Hex;
        const [{ to, data }] = (params ?? [{}]) as [{ to?: Hex; data?: Hex }];
        const isHealth =
          method === "eth_call" && lower(to!) === world.deployment.health && size(data!) === 36;
        return isHealth
          ? (`0x${answer.slice(2, 64)}${numberToHex(6, { size: 1 }).slice(2)}${answer.slice(66)}` as Hex)
          : answer;
      },
    ],
    [
      "a head of long ago",
      "b does not follow the chain",
      async (method, params, truth) => {
        const block = (await truth()) as { timestamp: Hex; number: Hex };
        if (method !== "eth_getBlockByNumber" || (params as unknown[])[0] !== "latest") return block;
        return {
          ...block,
          number: numberToHex(BigInt(block.number) - 1n),
          timestamp: numberToHex(BigInt(block.timestamp) - 121n),
        };
      },
    ],
  ])("of which one has %s: nothing is signed", (_, message, lie) =>
    world.trying(async () => {
      const terms = await staged();
      await expect(approve(terms, node("a"), node("b", lie))).rejects.toMatchObject({
        code: "CHAIN_ENDPOINTS_DISAGREE",
        message: expect.stringContaining(message),
      });
      expect(recorded).toEqual([]);
    }),
  );

  it("of which one is away, or says no to the gate's last word: nothing is signed", () =>
    world.trying(async () => {
      const terms = await staged();
      const away = node("b", () => Promise.reject(new Error("https://node.example/secret-key is gone")));
      const error = await approve(terms, node("a"), away).catch((caught) => caught);
      expect(error).toMatchObject({
        code: "CHAIN_UNREADABLE",
        message: expect.stringContaining("b does not"),
      });
      expect(error.message).not.toContain("secret");
      const check = toFunctionSelector(
        caliberGateAbi.find((item) => item.type === "function" && item.name === "check") as AbiFunction,
      );
      const refusing = node("b", (method, params, truth) => {
        const [{ data }] = (params ?? [{}]) as [{ data?: Hex }];
        if (method !== "eth_call" || !data!.startsWith(check)) return truth();
        return Promise.reject(Object.assign(new Error("execution reverted"), { code: 3, data: "0x" }));
      });
      expect(await approve(terms, node("a"), refusing)).toMatchObject({
        approved: false,
        failures: [{ code: "GATE_REFUSES" }],
      });
      expect(recorded).toEqual([]);
    }));
});
