import { generateKeyPairSync, hash } from "node:crypto";
import { encodeFunctionData, type Hex, hexToBytes, keccak256, toHex, zeroHash } from "viem";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { caliberLogBytecode } from "../../contracts-abi/bytecode/CaliberLog.js";
import { caliberTokenBytecode } from "../../contracts-abi/bytecode/CaliberToken.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { pae } from "../../protocol/dsse/pae.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { encodeReportEntry } from "../../protocol/log/entry.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { type GasChain, sender, startGasChain } from "./gasChain.js";
import { deployGasHealth, type GasHealth, hashOf, pathOver } from "./gasHealth.js";

/**
 * Gas of the contracts on anvil with the P-256 precompile, as receipts tell it, in steady state: storage has been
 * written before. `per_device_day_*`: hourly epochs under two of three signatures, 1 % of the devices changing state a
 * day, one liveness word a day for each 224 devices. `naive`: 24 transactions a day that each post one device alone.
 * `prove_gas` is a proof in a fleet of 2^14, `prove_1e6_gas` in one of 2^20. `prove_report_gas` is execution, base
 * cost and calldata at 16 and 4 a byte; a transaction on a chain with EIP-7623 pays `prove_report_floor_gas` for so much
 * calldata.
 */
const chain = await startGasChain(false);
const traced = await startGasChain(true);
try {
  const metrics = {
    ...(await healthGas(chain)),
    ...(await mintGas(chain)),
    ...(await reportGas(traced)),
  };
  process.stdout.write(`${JSON.stringify({ bench: "gas", metrics })}\n`);
} finally {
  await chain.stop();
  await traced.stop();
}

async function healthGas(on: GasChain) {
  const health = await deployGasHealth(on);
  const per_device_day_1e2 = await dayOf(health, 100);
  const per_device_day_1e4 = await dayOf(health, 10_000);
  const per_device_day_1e6 = await dayOf(health, 1_000_000);
  let batch = 0;
  for (const sequence of [1, 2, 3]) {
    [batch] = (await health.post(
      Array.from({ length: 50 }, (_, i) => health.leaf(9_000_000 + i, sequence)),
      [],
    )) as [number];
  }
  const alone = health.leaf(9_000_000, 4);
  await health.post([alone], []);
  const [extension] = await health.post([{ ...alone, valid_until_s: alone.valid_until_s + 1 }], []);
  const prove_gas = await health.prove(health.leaf(9_000_000, 5), 14);
  const prove_1e6_gas = await health.prove(health.leaf(9_000_000, 6), 20);
  const again = health.leaf(9_000_000, 6);
  const prove_extension_1e6_gas = await health.prove(
    { ...again, valid_until_s: again.valid_until_s + 1 },
    20,
  );
  return {
    per_device_day_1e2,
    per_device_day_1e4,
    per_device_day_1e6,
    naive: 24 * extension!,
    transition_gas: Math.round(batch / 50),
    prove_gas,
    prove_1e6_gas,
    prove_extension_1e6_gas,
  };
}

/** Three days of a fleet; the third is told, when both places of each page and each changing token are in use. */
async function dayOf(health: GasHealth, devices: number): Promise<number> {
  const pages = Math.ceil(devices / 224);
  const changes = devices / 100;
  let gas = 0;
  for (let day = 1; day <= 3; day += 1) {
    gas = 0;
    let posted = 0;
    for (let hour = 0; hour < 24; hour += 1) {
      const count = Math.floor(((hour + 1) * changes) / 24) - posted;
      posted += count;
      // The same few hundred tokens every hour: to the chain they are as cold as any.
      const leaves = Array.from({ length: count }, (_, i) =>
        health.leaf(devices * 10 + i, (day - 1) * 24 + hour + 1),
      );
      const alive = (1n << 224n) - 1n;
      const words =
        hour === 0 ? Array.from({ length: pages }, (_, i) => (BigInt(i + 1) << 224n) | alive) : [];
      for (const one of await health.post(leaves, words)) gas += one;
    }
  }
  return Math.round(gas / devices);
}

function newDevice() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = spkiOf(privateKey);
  const point = [toHex(spki.subarray(27, 59)), toHex(spki.subarray(59))] as const;
  return { privateKey, point, keyHash: toHex(hash("sha256", spki, "buffer")) };
}

async function mintGas(on: GasChain) {
  const args = [0, sender!.address, sender!.address] as const;
  const address = await on.deploy({ abi: caliberTokenAbi, bytecode: caliberTokenBytecode, args });
  const header = {
    tokenIssuer: "Example Issuer",
    assetHolder: "Example Bailee",
    storedLocation: "Hall 1",
    terms: "https://terms.example/1",
    jurisdiction: "US-DE",
    valueCurrency: "USD",
    declaredValue: 3_000_000n,
  };
  const registered = encodeFunctionData({
    abi: caliberTokenAbi,
    functionName: "registerHeader",
    args: [header],
  });
  const [event] = (await on.send(address, registered)).logs;
  const deadline = BigInt((await on.now_s()) + 86_400);

  async function mint(number: number, recipient: Hex): Promise<number> {
    const device = newDevice();
    const authorization = {
      recipient,
      deviceKeyHash: device.keyHash,
      strongIdentity: hashOf(`strong ${number}`),
      weakIdentity: hashOf(`weak ${number}`),
      evidence: hashOf(`evidence ${number}`),
      logOrigin: hashOf("log.example/caliber"),
      headerHash: event!.topics[1] ?? zeroHash,
      assurance: 3,
      predecessor: 0n,
      nonce: 0n,
      deadline,
    };
    const preimage = await on.client.readContract({
      address,
      abi: caliberTokenAbi,
      functionName: "mintDigestPreimage",
      args: [authorization],
    });
    const signature = signEs256(hexToBytes(preimage), device.privateKey);
    const data = encodeFunctionData({
      abi: caliberTokenAbi,
      functionName: "mint",
      args: [authorization, ...device.point, toHex(signature.subarray(0, 32)), toHex(signature.subarray(32))],
    });
    return Number((await on.send(address, data)).gasUsed);
  }

  const holders = ["first", "second"].map((name) => `0x${keccak256(toHex(name)).slice(26)}` as Hex);
  await mint(1, holders[0]!);
  return { mint_gas: await mint(2, holders[0]!), mint_new_holder_gas: await mint(3, holders[1]!) };
}

async function reportGas(on: GasChain) {
  const args = [0, sender!.address, sender!.address] as const;
  const address = await on.deploy({ abi: caliberLogAbi, bytecode: caliberLogBytecode, args });
  const device = newDevice();
  const payloadType = payloadTypes.report;
  const payload = Buffer.from(Array.from({ length: 2_000 }, (_, i) => 32 + ((i * 7) % 95)));
  const signature = signEs256(pae(payloadType, payload), device.privateKey);
  const { entry } = encodeReportEntry(device.keyHash.slice(2), { payloadType, payload, signature });
  const { index, proof, root } = pathOver(leafHash(entry), 20);
  const origin = hashOf("log.example/caliber");
  await on.send(
    address,
    encodeFunctionData({ abi: caliberLogAbi, functionName: "anchor", args: [origin, 1n << 20n, root] }),
  );
  const data = encodeFunctionData({
    abi: caliberLogAbi,
    functionName: "proveReport",
    args: [origin, 1n << 20n, index, proof, toHex(entry), ...device.point],
  });
  const receipt = await on.send(address, data);
  const bytes = hexToBytes(data);
  const calldata = bytes.reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0);
  return {
    prove_report_gas: 21_000 + calldata + (await on.executionGas(receipt.transactionHash)),
    prove_report_floor_gas: Number(receipt.gasUsed),
  };
}
