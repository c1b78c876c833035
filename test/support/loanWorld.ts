import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  type Abi,
  type Address,
  createTestClient,
  encodeDeployData,
  type Hex,
  http,
  keccak256,
  publicActions,
  walletActions,
  zeroAddress,
  zeroHash,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { collateralTimelockStandInAbi } from "../../contracts-abi/abi/testing/CollateralTimelockStandIn.js";
import { loanRouterV2StandInAbi } from "../../contracts-abi/abi/testing/LoanRouterV2StandIn.js";
import { collateralTimelockStandInBytecode } from "../../contracts-abi/bytecode/testing/CollateralTimelockStandIn.js";
import { loanRouterV2StandInBytecode } from "../../contracts-abi/bytecode/testing/LoanRouterV2StandIn.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { type HealthState, healthStates } from "../../protocol/health/healthState.js";
import { type GateApproval, gateSignature, signApproval } from "../../registry/approval/gateApproval.js";
import { abiLeaf } from "../../registry/chain/abiLeaf.js";
import { chainTransport } from "../../registry/chain/chainTransport.js";
import { deployContracts } from "../../registry/chain/deployContracts.js";
import { deployGate, type GateOptions } from "../../registry/chain/deployGate.js";
import type { Deployment } from "../../registry/chain/deployment.js";
import { epochPost, epochPostTypes } from "../../registry/chain/epochPost.js";
import { fleetRoot } from "../../registry/chain/fleetRoot.js";
import type { HealthLeaf } from "../../registry/chain/intent.js";
import { type Anvil, startAnvil } from "../../registry/chain/testing/startAnvil.js";
import { toAbiLoanTerms } from "../../registry/credit/loanTerms/abiLoanTerms.js";
import type { LoanTerms } from "../../registry/credit/loanTerms/loanTerms.js";
import { loanTermsHash } from "../../registry/credit/loanTerms/loanTermsHash.js";
import { testTerms } from "../../registry/credit/testing/testTerms.js";

/** The first accounts of every development chain: their keys are published, so nobody can mistake them for secrets. */
export const registrarKey: Hex = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
export const [registrar, borrower, operator, controller] = [
  registrarKey,
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
].map((key) => privateKeyToAccount(key as Hex)) as [Account, Account, Account, Account];
type Account = ReturnType<typeof privateKeyToAccount>;

/** A GPU of its own key and identities. */
export type Gpu = { key: KeyObject; device: Hex; x: Hex; y: Hex; strong: Hex; weak: Hex };
export type Titled = Gpu & { token_id: bigint };

export type LoanWorld = Awaited<ReturnType<typeof openLoanWorld>>;

const sha256 = (bytes: Uint8Array | string): Hex => `0x${createHash("sha256").update(bytes).digest("hex")}`;
/** What the title contract refuses comes through whoever called it. */
const titleErrors = caliberTokenAbi.filter(({ type }) => type === "error");
const lower = (address: Address): Address => address.toLowerCase() as Address;

export const principal = 1_000_000n;

export function newGpu(name: string): Gpu {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const spki = spkiOf(key);
  return {
    key,
    device: sha256(spki),
    x: `0x${spki.subarray(27, 59).toString("hex")}`,
    y: `0x${spki.subarray(59).toString("hex")}`,
    strong: sha256(`strong ${name}`),
    weak: sha256(`weak ${name}`),
  };
}

/** A development chain with our contracts, a gate, and the stand-ins for USD.AI's timelock and router. */
export async function openLoanWorld(
  policy: Pick<GateOptions, "accepted" | "required_assurance" | "needs_presence"> = {
    accepted: ["healthy"],
    required_assurance: 2,
    needs_presence: true,
  },
) {
  const anvil: Anvil = await startAnvil(["--hardfork", "osaka"]);
  const transport = chainTransport(anvil.url);
  const client = createTestClient({
    chain: foundry,
    mode: "anvil",
    transport: http(anvil.url),
    cacheTime: 0,
    pollingInterval: 10,
  })
    .extend(publicActions)
    .extend(walletActions);
  const chain_id = foundry.id;

  const now_s = async (): Promise<number> => Number((await client.getBlock()).timestamp);
  async function send(from: Account, to: Address | null, data: Hex): Promise<Address | null> {
    const hash = await client.sendTransaction({ account: from, to, data, gas: 15_000_000n });
    const receipt = await client.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`transaction ${hash} reverted`);
    return receipt.contractAddress ?? null;
  }
  /** Simulated first, so that a refusal is told by the contract's own error. */
  // biome-ignore lint/suspicious/noExplicitAny: one call for four ABIs; each caller's is typed at the chain's own word
  async function call(from: Account, address: Address, abi: Abi, functionName: string, args: any[]) {
    const { request } = await client.simulateContract({ account: from, address, abi, functionName, args });
    // Not estimated: an estimate is of the newest block's time, and tests move time.
    const hash = await client.writeContract({ ...request, gas: 5_000_000n });
    const receipt = await client.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`${functionName} reverted`);
  }

  const bare = await deployContracts({
    transport,
    deployer: registrar,
    writer: registrar.address,
    admin_delay_s: 0,
    epoch_s: 3600,
  });
  const timelock = lower(
    (await send(
      registrar,
      null,
      encodeDeployData({ abi: collateralTimelockStandInAbi, bytecode: collateralTimelockStandInBytecode }),
    ))!,
  );
  const router = lower(
    (await send(
      registrar,
      null,
      encodeDeployData({
        abi: loanRouterV2StandInAbi,
        bytecode: loanRouterV2StandInBytecode,
        args: [timelock, operator.address],
      }),
    ))!,
  );
  const deployment = (await deployGate({
    transport,
    admin: registrar,
    deployment: bare,
    timelock,
    router,
    ...policy,
  })) as Deployment & { gate: Address };
  const { token, health, gate } = deployment;
  const domain = { chain_id, gate, router };

  const atToken = (from: Account, name: string, args: unknown[]) =>
    call(from, token, caliberTokenAbi as Abi, name, args);
  const atRouter = (from: Account, name: string, args: unknown[]) =>
    call(from, router, loanRouterV2StandInAbi as Abi, name, args);
  const atTimelock = (from: Account, name: string, args: unknown[]) =>
    call(from, timelock, [...collateralTimelockStandInAbi, ...titleErrors] as Abi, name, args);
  const read = { address: token, abi: caliberTokenAbi } as const;

  const proof = (gpu: Gpu, preimage: Hex) => {
    const signature = signEs256(Buffer.from(preimage.slice(2), "hex"), gpu.key).toString("hex");
    return {
      qx: gpu.x,
      qy: gpu.y,
      r: `0x${signature.slice(0, 64)}` as Hex,
      s: `0x${signature.slice(64)}` as Hex,
    };
  };
  const deadline = async () => BigInt((await now_s()) + 3600);
  const titleOf = (token_id: bigint) =>
    client.readContract({ ...read, functionName: "titleOf", args: [token_id] });
  const fingerprintOf = (token_id: bigint) =>
    client.readContract({ ...read, functionName: "getStateFingerprint", args: [token_id] });

  let epoch = 0;
  let sequence = 0;

  const world = {
    anvil,
    client,
    transport,
    deployment,
    timelock,
    router,
    now_s,
    titleOf,
    fingerprintOf,
    hashOf: (terms: LoanTerms): Hex => loanTermsHash(terms, chain_id),
    holderOf: async (token_id: bigint): Promise<Address> =>
      lower(await client.readContract({ ...read, functionName: "ownerOf", args: [token_id] })),
    consenterOf: async (token_id: bigint): Promise<Address> =>
      lower(await client.readContract({ ...read, functionName: "consenterOf", args: [token_id] })),
    stateOf: async (token_id: bigint): Promise<number> =>
      (
        await client.readContract({
          address: health,
          abi: caliberHealthAbi,
          functionName: "healthOf",
          args: [token_id],
        })
      )[0],

    /** A title with silicon identity, in the borrower's hands, with the lender's controller. */
    async mint(gpu: Gpu): Promise<Titled> {
      const authorization = {
        recipient: borrower.address,
        deviceKeyHash: gpu.device,
        strongIdentity: gpu.strong,
        weakIdentity: gpu.weak,
        evidence: sha256("inventory"),
        logOrigin: sha256("origin"),
        headerHash: zeroHash,
        assurance: 2,
        predecessor: 0n,
        nonce: 0n,
        deadline: await deadline(),
      };
      const preimage = await client.readContract({
        ...read,
        functionName: "mintDigestPreimage",
        args: [authorization],
      });
      const { qx, qy, r, s } = proof(gpu, preimage);
      await atToken(registrar, "mint", [authorization, qx, qy, r, s]);
      const token_id = await client.readContract({ ...read, functionName: "totalMinted" });
      await atToken(borrower, "setController", [token_id, controller.address]);
      return { ...gpu, token_id };
    },

    /** Posts each token's health, good for two hours, with silicon that counts as long. */
    async post(states: [token_id: bigint, state: HealthState][], assured = true): Promise<void> {
      const at_s = await now_s();
      sequence += 1;
      epoch += 1;
      const transitions: HealthLeaf[] = states.map(([token_id, state]) => ({
        token_id: String(token_id),
        sequence,
        state: healthStates[state],
        cause: 0,
        since_s: at_s,
        valid_until_s: at_s + 7200,
        assured_until_s: assured ? at_s + 7200 : 0,
        evidence_hash: sha256(`${token_id} ${sequence}`),
      }));
      const message = epochPost({
        epoch,
        fleet_root: fleetRoot(transitions),
        fleet_size: transitions.length,
        fleet_until_s: at_s + 10_800,
        transitions,
      });
      const signature = await registrar.signTypedData({
        domain: { name: "CaliberHealth", version: "1", chainId: chain_id, verifyingContract: health },
        types: epochPostTypes,
        primaryType: "EpochPost",
        message,
      });
      const signatures = [{ attestor: registrar.address, signature }];
      await call(registrar, health, caliberHealthAbi as Abi, "post", [
        message,
        transitions.map(abiLeaf),
        [],
        signatures,
      ]);
    },

    async setAttestors(accounts: Account[], threshold: number): Promise<void> {
      const at = { address: health, abi: caliberHealthAbi } as const;
      const role = await client.readContract({ ...at, functionName: "QUORUM_ROLE" });
      const addresses = accounts.map(({ address }) => address);
      await call(registrar, health, caliberHealthAbi as Abi, "grantRole", [role, registrar.address]);
      await call(registrar, health, caliberHealthAbi as Abi, "setAttestors", [addresses, threshold]);
    },

    /** A loan on these tokens, to be approved by the gate. */
    async terms(token_ids: bigint[], changes: Partial<LoanTerms> = {}): Promise<LoanTerms> {
      return testTerms({
        expiration_s: BigInt((await now_s()) + 30 * 86_400),
        borrower: lower(borrower.address),
        collateral_token: token,
        collateral_token_ids: token_ids,
        tranches: [{ lender: lower(controller.address), amount: principal, rate: 3_000_000_000n }],
        fees: [],
        approval_addresses: [gate],
        options: "0x",
        ...changes,
      });
    },

    /** Into the timelock, under the loan's hash. */
    async stage(terms: LoanTerms, stay_s = 7 * 86_400): Promise<void> {
      await atToken(borrower, "setApprovalForAll", [timelock, true]);
      const until = BigInt((await now_s()) + stay_s);
      const ids = terms.collateral_token_ids;
      await atTimelock(borrower, "deposit", [router, world.hashOf(terms), token, ids, until]);
    },
    unstage: (terms: LoanTerms) =>
      atTimelock(borrower, "cancel", [router, world.hashOf(terms), token, terms.collateral_token_ids]),

    /** The attestor's signature as the gate takes it, over the titles as they are: signed blindly. */
    async approval(terms: LoanTerms): Promise<Hex> {
      const token_ids = terms.collateral_token_ids;
      const approval: GateApproval = {
        loan: world.hashOf(terms),
        token_ids,
        fingerprints: await Promise.all(token_ids.map(fingerprintOf)),
        deadline_s: (await now_s()) + 86_400,
      };
      return gateSignature(approval, [await signApproval(registrar, domain, approval)]);
    },
    originate: (terms: LoanTerms, signature: Hex) =>
      atRouter(operator, "originate", [
        toAbiLoanTerms(terms, "1.2"),
        terms.tranches.map(() => ({ depositType: 0, data: "0x" })),
        [signature],
      ]),
    repay: (terms: LoanTerms, amount: bigint) =>
      atRouter(borrower, "repay", [toAbiLoanTerms(terms, "1.2"), amount]),
    breach: (terms: LoanTerms) => atRouter(operator, "setLoanBreach", [world.hashOf(terms)]),
    liquidate: (terms: LoanTerms) => atRouter(operator, "liquidate", [toAbiLoanTerms(terms, "1.2")]),
    sell: (terms: LoanTerms, proceeds: bigint) =>
      atRouter(operator, "depositLiquidationProceeds", [toAbiLoanTerms(terms, "1.2"), proceeds]),
    statusOf: async (terms: LoanTerms): Promise<number> =>
      (
        await client.readContract({
          address: router,
          abi: loanRouterV2StandInAbi,
          functionName: "loanState",
          args: [world.hashOf(terms)],
        })
      )[0],

    /** The same silicon under another key, which both keys sign. */
    async rotate(old: Titled, next: Gpu): Promise<Titled> {
      const [, nonce] = await client.readContract({
        ...read,
        functionName: "tokenOfKey",
        args: [old.device],
      });
      const rotation = {
        tokenId: old.token_id,
        oldKeyHash: old.device,
        newKeyHash: next.device,
        evidence: sha256("rotate report"),
        assurance: 2,
        nonce,
        deadline: await deadline(),
      };
      const preimage = await client.readContract({
        ...read,
        functionName: "rotationPreimage",
        args: [rotation],
      });
      await atToken(registrar, "rotate", [rotation, proof(old, preimage), proof(next, preimage)]);
      return { ...next, strong: old.strong, weak: old.weak, token_id: old.token_id };
    },

    /** Other silicon behind the title (RMA), to which `consenter` consents. */
    async replace(old: Titled, next: Gpu, consenter: Account): Promise<Titled> {
      const title = await titleOf(old.token_id);
      const replacement = {
        tokenId: old.token_id,
        fingerprint: await fingerprintOf(old.token_id),
        deviceKeyHash: next.device,
        strongIdentity: next.strong,
        weakIdentity: next.weak,
        evidence: sha256("RMA report"),
        logOrigin: title.logOrigin,
        headerHash: title.headerHash,
        assurance: 2,
        predecessor: 0n,
        nonce: 0n,
        deadline: await deadline(),
      };
      const preimage = await client.readContract({
        ...read,
        functionName: "replacementPreimage",
        args: [replacement],
      });
      const consent = await consenter.sign({ hash: keccak256(preimage) });
      await atToken(registrar, "replace", [replacement, proof(next, preimage), consent]);
      return { ...next, token_id: old.token_id };
    },

    redeem: (from: Account, token_id: bigint) => atToken(from, "redeem", [token_id]),
    async dispute(token_id: bigint, for_s: number): Promise<void> {
      const role = await client.readContract({ ...read, functionName: "ARBITER_ROLE" });
      await atToken(registrar, "grantRole", [role, registrar.address]);
      await atToken(registrar, "openDispute", [
        token_id,
        sha256("both sides"),
        BigInt((await now_s()) + for_s),
      ]);
    },
    setController: (from: Account, token_id: bigint, to: Address = zeroAddress) =>
      atToken(from, "setController", [token_id, to]),

    async later(seconds: number): Promise<void> {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    /** Does something and takes the chain back to where it was. */
    async trying<Value>(what: () => Promise<Value>): Promise<Value> {
      const id = await client.snapshot();
      const before = { epoch, sequence };
      try {
        return await what();
      } finally {
        await client.revert({ id });
        ({ epoch, sequence } = before);
      }
    },
    close: () => anvil.kill(),
  };
  return world;
}
