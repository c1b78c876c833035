import { encodeDeployData, getAddress, getContract, type Hex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { caliberGateAbi } from "../../contracts-abi/abi/CaliberGate.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { collateralTimelockStandInAbi } from "../../contracts-abi/abi/testing/CollateralTimelockStandIn.js";
import { loanRouterV2StandInAbi } from "../../contracts-abi/abi/testing/LoanRouterV2StandIn.js";
import { collateralTimelockStandInBytecode } from "../../contracts-abi/bytecode/testing/CollateralTimelockStandIn.js";
import { loanRouterV2StandInBytecode } from "../../contracts-abi/bytecode/testing/LoanRouterV2StandIn.js";
import { chainClient } from "./chainClient.js";
import { chainTransport } from "./chainTransport.js";
import { checkDeployment } from "./checkDeployment.js";
import { deployGate, type GateOptions } from "./deployGate.js";
import { sendFromAccount } from "./sendFromAccount.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo } from "./testing/writerBench.js";

let anvil: Anvil;
beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.kill());

it("deploys a gate with its policy and makes its custodians known", async () => {
  const transport = chainTransport(anvil.url);
  const client = chainClient(transport);
  const create = async (data: Hex) => (await sendFromAccount(client, account, { data })).contractAddress!;
  const timelock = await create(
    encodeDeployData({ abi: collateralTimelockStandInAbi, bytecode: collateralTimelockStandInBytecode }),
  );
  const router = await create(
    encodeDeployData({
      abi: loanRouterV2StandInAbi,
      bytecode: loanRouterV2StandInBytecode,
      args: [timelock, account.address],
    }),
  );
  const deployment = await deployGate({
    transport,
    admin: account,
    deployment: await deployTo(anvil.url),
    timelock,
    router,
    accepted: ["healthy", "watch"],
    required_assurance: 2,
    needs_presence: true,
  });
  await checkDeployment(client, deployment);
  const gate = getContract({ abi: caliberGateAbi, address: deployment.gate!, client });
  expect(await gate.read.ROUTER()).toBe(getAddress(router));
  expect(await gate.read.TIMELOCK()).toBe(getAddress(timelock));
  expect((await gate.read.TOKEN()).toLowerCase()).toBe(deployment.token);
  expect((await gate.read.HEALTH()).toLowerCase()).toBe(deployment.health);
  expect(await gate.read.ACCEPTED_STATES()).toBe(0b110n);
  expect(await gate.read.REQUIRED_ASSURANCE()).toBe(2);
  expect(await gate.read.NEEDS_PRESENCE()).toBe(true);
  const token = getContract({ abi: caliberTokenAbi, address: deployment.token, client });
  expect(await token.read.isCustodian([timelock])).toBe(true);
  expect(await token.read.isCustodian([router])).toBe(true);
  expect(await token.read.isCustodian([account.address])).toBe(false);
});

it("spends nothing on a gate that could not work", async () => {
  const transport = chainTransport(anvil.url);
  const client = chainClient(transport);
  const deployment = await deployTo(anvil.url);
  const options: GateOptions = {
    transport,
    admin: account,
    deployment,
    timelock: deployment.log,
    router: deployment.log,
    accepted: ["healthy"],
    required_assurance: 0,
    needs_presence: false,
  };
  const before = await client.getBlockNumber({ cacheTime: 0 });
  const code = (changes: Partial<GateOptions>) =>
    deployGate({ ...options, ...changes }).then(
      () => "deployed",
      (error: { code: string }) => error.code,
    );
  const nobody = "0x00000000000000000000000000000000000000aa";
  expect(await code({ timelock: nobody })).toBe("CHAIN_CONTRACTS_MISSING");
  expect(await code({ router: nobody })).toBe("CHAIN_CONTRACTS_MISSING");
  expect(await code({ deployment: { ...deployment, chain_id: 1 } })).toBe("CHAIN_WRONG_CHAIN");
  expect(await code({ admin: privateKeyToAccount(generatePrivateKey()) })).toBe("CHAIN_NOT_ADMIN");
  expect(await client.getBlockNumber({ cacheTime: 0 })).toBe(before);
});
