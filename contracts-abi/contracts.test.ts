import { type ChildProcess, spawn } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  concatHex,
  createTestClient,
  encodeAbiParameters,
  getAddress,
  getContract,
  type Hex,
  http,
  keccak256,
  publicActions,
  walletActions,
  zeroHash,
} from "viem";
import { foundry } from "viem/chains";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pae } from "../protocol/dsse/pae.js";
import { payloadTypes } from "../protocol/dsse/payloadTypes.js";
import { healthStates } from "../protocol/health/healthState.js";
import { encodeReportEntry } from "../protocol/log/entry.js";
import { caliberHealthAbi } from "./abi/CaliberHealth.js";
import { caliberLogAbi } from "./abi/CaliberLog.js";
import { caliberTokenAbi } from "./abi/CaliberToken.js";
import { caliberHealthBytecode } from "./bytecode/CaliberHealth.js";
import { caliberLogBytecode } from "./bytecode/CaliberLog.js";
import { caliberTokenBytecode } from "./bytecode/CaliberToken.js";

/** The platform package's own binary: the wrapper in .bin would outlive a kill as an orphan. */
const anvil = fileURLToPath(
  new URL("../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url),
);
const vector = JSON.parse(
  readFileSync(new URL("../fixtures/vectors/mint-authorization.json", import.meta.url), "utf8"),
);

/** Account 0 of anvil, which signs for it. It deploys and has all roles here. */
const admin: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const holder: Address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const bytesOf = (hex: Hex) => Buffer.from(hex.slice(2), "hex");
const sha256 = (...parts: (Buffer | string)[]): Hex => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return `0x${hash.digest("hex")}`;
};
const hashLeaf = (entry: Hex) => sha256(Buffer.from([0]), bytesOf(entry));
const hashNode = (left: Hex, right: Hex) => sha256(Buffer.from([1]), bytesOf(left), bytesOf(right));

function connect(url: string, chainId: number) {
  return createTestClient({
    chain: { ...foundry, id: chainId },
    mode: "anvil",
    transport: http(url),
    account: admin,
  })
    .extend(publicActions)
    .extend(walletActions);
}
type Client = ReturnType<typeof connect>;

/** A token contract that `connect`'s client reads and writes. */
function tokenAt(client: Client, address: Address) {
  return getContract({ abi: caliberTokenAbi, address, client });
}

/** EIP-712 members of what attestors sign for an epoch, as docs/contracts.md publishes them. */
const epochPostMembers = [
  { name: "epoch", type: "uint32" },
  { name: "fleetRoot", type: "bytes32" },
  { name: "fleetSize", type: "uint64" },
  { name: "fleetUntil", type: "uint64" },
  { name: "livenessUntil", type: "uint64" },
  { name: "chunks", type: "bytes32[]" },
];

interface DeviceKey {
  privateKey: KeyObject;
  keyHash: Hex;
  x: Hex;
  y: Hex;
}

function newDeviceKey(): DeviceKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  return {
    privateKey,
    keyHash: sha256(spki),
    x: `0x${spki.subarray(27, 59).toString("hex")}`,
    y: `0x${spki.subarray(59).toString("hex")}`,
  };
}

/** ES256 with both values of s; node gives either. */
function signBothWays(key: DeviceKey, preimage: Hex) {
  const raw = sign("sha256", bytesOf(preimage), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  const s = BigInt(`0x${raw.subarray(32).toString("hex")}`);
  const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, "0")}`;
  const [low, high] = s > groupOrder / 2n ? [groupOrder - s, s] : [s, groupOrder - s];
  return { r: `0x${raw.subarray(0, 32).toString("hex")}` as Hex, low: word(low), high: word(high) };
}

/** Name of the custom error that a call is refused with. */
async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BaseError))
    throw new Error("the call was not refused by the contract", { cause: error });
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  return revert instanceof ContractFunctionRevertedError ? revert.data?.errorName : undefined;
}

/** Prague has no P-256 precompile: device signatures are verified in Solidity. 42161 is Arbitrum One's chain id. */
const chains = [
  { hardfork: "osaka", chainId: 31337 },
  { hardfork: "prague", chainId: 42161 },
];

describe.skipIf(!existsSync(anvil) && !process.env.CI).each(chains)(
  "the contracts on anvil ($hardfork, $chainId)",
  ({ hardfork, chainId }) => {
    let node: ChildProcess;
    let client: Client;
    let tokenAddress: Address;
    let healthAddress: Address;
    let logAddress: Address;

    async function deployed(hash: Hex): Promise<Address> {
      const receipt = await client.waitForTransactionReceipt({ hash });
      if (!receipt.contractAddress) throw new Error("nothing was deployed");
      return receipt.contractAddress as Address;
    }

    async function mined(hash: Hex) {
      const receipt = await client.waitForTransactionReceipt({ hash });
      expect(receipt.status).toBe("success");
      return receipt;
    }

    async function chainTime(): Promise<bigint> {
      return (await client.getBlock()).timestamp;
    }

    beforeAll(async () => {
      node = spawn(
        anvil,
        ["--host", "127.0.0.1", "--port", "0", "--chain-id", `${chainId}`, "--hardfork", hardfork],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const url = await new Promise<string>((resolve, reject) => {
        node.once("error", reject);
        node.once("exit", (code) => reject(new Error(`anvil ended with ${code}`)));
        createInterface({ input: node.stdout! }).on("line", (line) => {
          const address = /^Listening on (\S+)/.exec(line)?.[1];
          if (address) resolve(`http://${address}`);
        });
      });
      client = connect(url, chainId);
      const args = [0, admin, admin] as const;
      tokenAddress = await deployed(
        await client.deployContract({ abi: caliberTokenAbi, bytecode: caliberTokenBytecode, args }),
      );
      healthAddress = await deployed(
        await client.deployContract({
          abi: caliberHealthAbi,
          bytecode: caliberHealthBytecode,
          args: [0, admin, 3600, [admin], 1],
        }),
      );
      logAddress = await deployed(
        await client.deployContract({ abi: caliberLogAbi, bytecode: caliberLogBytecode, args }),
      );
    });

    afterAll(async () => {
      if (node.exitCode !== null) return;
      const ended = new Promise((resolve) => node.once("exit", resolve));
      node.kill("SIGKILL");
      await ended;
    });

    it("mints the published vector, once, where it is good", async () => {
      expect(tokenAddress.toLowerCase()).toBe(vector.domain.verifyingContract.toLowerCase());
      const token = tokenAt(client, tokenAddress);
      const authorization = {
        ...vector.message,
        predecessor: BigInt(vector.message.predecessor),
        nonce: BigInt(vector.message.nonce),
        deadline: BigInt(vector.message.deadline),
      };
      const { x, y } = vector.key;
      const args = [authorization, x, y, vector.signature.r, vector.signature.s] as const;
      if (chainId !== vector.domain.chainId) {
        expect(await refusalOf(token.simulate.mint(args))).toBe("DeviceSignatureInvalid");
        return;
      }
      const header = { ...vector.header, declaredValue: BigInt(vector.header.declaredValue) };
      await mined(await token.write.registerHeader([header]));
      expect(await token.read.headerOf([authorization.headerHash])).toEqual(header);
      expect(await token.read.mintDigestPreimage([authorization])).toBe(vector.preimage);
      const { r, s } = vector.refusedSignature;
      expect(await refusalOf(token.simulate.mint([authorization, x, y, r, s]))).toBe(
        "DeviceSignatureInvalid",
      );

      await mined(await token.write.mint(args));
      expect(await token.read.ownerOf([1n])).toBe(vector.message.recipient);
      expect(await token.read.tokenOfKey([vector.message.deviceKeyHash])).toEqual([1n, 1n]);
      expect(await refusalOf(token.simulate.mint(args))).toBe("KeyTaken");
    });

    it("mints with a signature of node:crypto, refuses the same GPU twice, and takes it back after redemption", async () => {
      const token = tokenAt(client, tokenAddress);
      const identity = { strongIdentity: zeroHash, weakIdentity: sha256("a GPU's UUID") };

      async function authorized(key: DeviceKey, predecessor: bigint) {
        const authorization = {
          recipient: holder,
          deviceKeyHash: key.keyHash,
          ...identity,
          evidence: sha256("statement"),
          logOrigin: sha256("log.example/caliber"),
          headerHash: zeroHash,
          assurance: 0,
          predecessor,
          nonce: 0n,
          deadline: (await chainTime()) + 3600n,
        };
        const { r, low, high } = signBothWays(key, await token.read.mintDigestPreimage([authorization]));
        return {
          args: [authorization, key.x, key.y, r, low] as const,
          highArgs: [authorization, key.x, key.y, r, high] as const,
        };
      }

      const first = newDeviceKey();
      const { args, highArgs } = await authorized(first, 0n);
      expect(await refusalOf(token.simulate.mint(highArgs))).toBe("DeviceSignatureInvalid");
      expect(await refusalOf(token.simulate.mint(args, { account: holder }))).toBe(
        "AccessControlUnauthorizedAccount",
      );
      await mined(await token.write.mint(args));
      const tokenId = await token.read.tokenOfIdentity([identity.weakIdentity]);
      expect(await token.read.ownerOf([tokenId])).toBe(holder);
      expect(await token.read.titleOf([tokenId])).toMatchObject({
        deviceKeyHash: first.keyHash,
        ...identity,
        assurance: 0,
        amendments: 0n,
      });
      const json = (await token.read.tokenURI([tokenId])).replace("data:application/json;base64,", "");
      expect(JSON.parse(Buffer.from(json, "base64").toString("utf8")).subject).toBe(
        `did:erc721:${chainId}:${getAddress(tokenAddress)}:${tokenId}`,
      );

      const second = newDeviceKey();
      expect(await refusalOf(token.simulate.mint((await authorized(second, tokenId)).args))).toBe(
        "IdentityTaken",
      );
      await mined(await token.write.redeem([tokenId], { account: holder }));
      expect(await refusalOf(token.simulate.mint(args))).toBe("KeyRetired");
      expect(await refusalOf(token.simulate.mint((await authorized(second, 0n)).args))).toBe(
        "PredecessorMismatch",
      );
      await mined(await token.write.mint((await authorized(second, tokenId)).args));
      expect(await token.read.lastTokenOfIdentity([identity.weakIdentity])).toBe(tokenId + 1n);
    });

    it("posts health, takes a proven leaf, and reads stale after the deadline with no transaction", async () => {
      const health = getContract({ abi: caliberHealthAbi, address: healthAddress, client });
      const now = await chainTime();
      const leaf = (tokenId: bigint, state: number) => ({
        tokenId,
        sequence: 1n,
        state,
        cause: 12,
        since: now - 60n,
        validUntil: now + 600n,
        assuredUntil: now + 86_400n,
        evidenceHash: sha256("event"),
      });
      const leafType = caliberHealthAbi.find((item) => item.type === "function" && item.name === "recordOf")!
        .outputs[0]!;
      const hashOf = (value: ReturnType<typeof leaf>) => hashLeaf(encodeAbiParameters([leafType], [value]));
      const posted = leaf(1n, healthStates.impaired);
      const proven = leaf(2n, healthStates.healthy);
      const root = hashNode(hashOf(posted), hashOf(proven));

      async function post(epoch: number, fleetUntil: bigint, leaves: ReturnType<typeof leaf>[]) {
        const encoded = leaves.map((value) => encodeAbiParameters([leafType], [value]));
        const chunk = keccak256(
          encodeAbiParameters(
            [{ type: "bytes32" }, { type: "bytes32" }],
            [keccak256(concatHex(encoded)), keccak256("0x")],
          ),
        );
        const message = {
          epoch,
          fleetRoot: root,
          fleetSize: 2n,
          fleetUntil,
          livenessUntil: 0n,
          chunks: [chunk],
        };
        const signature = await client.signTypedData({
          domain: { name: "CaliberHealth", version: "1", chainId, verifyingContract: healthAddress },
          types: { EpochPost: epochPostMembers },
          primaryType: "EpochPost",
          message,
        });
        return [message, leaves, [], [{ attestor: admin, signature }]] as const;
      }

      await mined(await health.write.post(await post(1, now + 180n, [posted])));
      expect(await health.read.healthOf([1n])).toEqual([
        healthStates.impaired,
        12,
        now - 60n,
        now + 180n,
        now + 86_400n,
        sha256("event"),
      ]);
      expect((await health.read.healthOf([2n]))[0]).toBe(healthStates.stale);
      expect((await health.read.healthOfProven([proven, 1n, [hashOf(posted)]]))[0]).toBe(
        healthStates.healthy,
      );
      await mined(await health.write.prove([proven, 1n, [hashOf(posted)]], { account: holder }));
      expect((await health.read.healthOf([2n]))[0]).toBe(healthStates.healthy);
      expect(await refusalOf(health.simulate.prove([posted, 1n, [hashOf(posted)]]))).toBe("RootMismatch");
      expect(await refusalOf(health.simulate.post(await post(1, now + 900n, [])))).toBe("EpochNotGrowing");

      await client.increaseTime({ seconds: 181 });
      await client.mine({ blocks: 1 });
      expect((await health.read.healthOf([1n]))[0]).toBe(healthStates.stale);
      expect((await health.read.healthOf([2n]))[0]).toBe(healthStates.stale);
    });

    it("proves a report of a log's entry as the registry writes it", async () => {
      const log = getContract({ abi: caliberLogAbi, address: logAddress, client });
      const origin = sha256("report.example/caliber");
      const key = newDeviceKey();
      const payload = Buffer.from('{"seq":7}');
      const statement = pae(payloadTypes.report, payload);
      const { r, low } = signBothWays(key, `0x${statement.toString("hex")}`);
      const { entry } = encodeReportEntry(key.keyHash.slice(2), {
        payloadType: payloadTypes.report,
        payload,
        signature: bytesOf(`${r}${low.slice(2)}`),
      });
      const hex: Hex = `0x${entry.toString("hex")}`;
      const other = hashLeaf("0x00");
      await mined(await log.write.anchor([origin, 2n, hashNode(other, hashLeaf(hex))]));
      expect(await log.read.proveReport([origin, 2n, 1n, [other], hex, key.x, key.y])).toEqual([
        key.keyHash,
        sha256(statement),
      ]);
      const forged: Hex = `0x${entry.toString("hex").replace(/.$/, "0")}`;
      expect(await refusalOf(log.read.proveReport([origin, 2n, 1n, [other], forged, key.x, key.y]))).toBe(
        "RootMismatch",
      );
    });

    it("anchors a log and verifies inclusion in it", async () => {
      const log = getContract({ abi: caliberLogAbi, address: logAddress, client });
      const origin = sha256("log.example/caliber");
      const leaves = ["0x", "0x00", "0x10"].map((entry) => hashLeaf(entry as Hex)) as [Hex, Hex, Hex];
      const left = hashNode(leaves[0], leaves[1]);
      const root = hashNode(left, leaves[2]);

      expect(await refusalOf(log.read.verifyInclusion([origin, leaves[2], 2n, [left]]))).toBe(
        "OriginNotAnchored",
      );
      await mined(await log.write.anchor([origin, 3n, root]));
      expect((await log.read.latest([origin])).slice(0, 2)).toEqual([3n, root]);
      await log.read.verifyInclusion([origin, leaves[2], 2n, [left]]);
      await log.read.verifyInclusion([origin, leaves[0], 0n, [leaves[1], leaves[2]]]);
      expect(await refusalOf(log.read.verifyInclusion([origin, leaves[1], 2n, [left]]))).toBe("RootMismatch");
      expect(await refusalOf(log.simulate.anchor([origin, 3n, root]))).toBe("SizeNotGrowing");
    });
  },
);
