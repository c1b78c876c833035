// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberLog} from "../src/CaliberLog.sol";
import {AttestorSignature, EpochPost, HealthLeaf, State} from "../src/interfaces/HealthTypes.sol";
import {DeviceProof, MintAuthorization} from "../src/interfaces/TitleTypes.sol";
import {MerkleRfc6962} from "../src/libraries/MerkleRfc6962.sol";
import {Amendments} from "./support/Amendments.sol";
import {Signed} from "./support/Devices.sol";
import {HealthFixture} from "./support/HealthFixture.sol";

/// @notice Gas of whole transactions, kept in `fixtures/gas/CaliberGas.json`: each call is a transaction of its own
/// (`isolate`), with its base cost, calldata and cold storage, on chains with the P-256 precompile.
/// forge-config: default.isolate = true
contract GasTest is Amendments, HealthFixture {
    bytes32 private constant ORIGIN = keccak256("origin");
    string private constant GROUP = "CaliberGas";

    CaliberLog private log;

    function setUp() public {
        deployToken();
        deployHealth();
        log = new CaliberLog(1 days, ADMIN, REGISTRAR);
    }

    function keep(string memory name, uint256 most, uint256 divisor) private returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed / divisor;
        vm.snapshotValue(GROUP, name, gas);
        vm.assertLe(gas, most, string.concat(name, " costs too much"));
    }

    /// @dev Steady state: the header and the log have been used before. The holder is new, then known.
    function test_mint() public {
        mintFor(1);
        MintAuthorization memory authorization = authorizationOf(2);
        authorization.recipient = address(0x1234567890123456789012345678901234567890);
        Signed memory signed = signWith(2, authorization);
        submit(signed);
        keep("mint, two identities, new holder", 280_000, 1);
        signed = signWith(3, authorizationOf(3));
        submit(signed);
        keep("mint, two identities, known holder", 280_000, 1);
    }

    function test_amendments() public {
        mintFor(1);
        vm.prank(HOLDER);
        token.setController(1, controller());
        vm.prank(HOLDER);
        token.transferFrom(HOLDER, ADMIN, 1);
        keep("transfer, with a controller that lapses", 80_000, 1);
        vm.prank(REGISTRAR);
        token.amend(1, keccak256("evidence"), 2);
        keep("amend", 80_000, 1);
        submitRotation(rotationOf(1, 1), 1, 101);
        keep("rotate", 150_000, 1);
        vm.prank(ADMIN);
        token.setController(1, controller());
        submitReplacement(replacementOf(1, 9), 9, CONTROLLER_KEY);
        keep("replace", 250_000, 1);
        vm.prank(ADMIN);
        token.redeem(1);
        keep("redeem", 100_000, 1);
    }

    /// @dev Random words, as hashes are, so that calldata costs what it costs.
    function fullLeaf(uint64 tokenId, uint64 sequence) private pure returns (HealthLeaf memory leaf) {
        leaf = leafOf(tokenId, sequence, sequence % 2 == 0 ? State.Watch : State.Healthy);
        leaf.evidenceHash = keccak256(abi.encode(tokenId, sequence));
    }

    function postFull(uint64 count, uint64 sequence) private {
        HealthLeaf[] memory leaves = new HealthLeaf[](count);
        for (uint64 i = 0; i < count; ++i) {
            leaves[i] = fullLeaf(1_000_001 + i, sequence);
        }
        post(leaves);
    }

    /// @dev Both records of each token have been written before. 2 of 3 signatures.
    function test_transitionInABatchOf50() public {
        postFull(50, 1);
        keep("transition, first of its token, in a batch of 50", 60_000, 50);
        postFull(50, 2);
        postFull(50, 3);
        keep("transition, steady, in a batch of 50", 25_000, 50);
        postFull(1, 4);
        keep("epoch with one transition, steady", 110_000, 1);
        postFull(0, 5);
        keep("epoch without transitions", 90_000, 1);
    }

    function test_liveness() public {
        uint256[] memory words = new uint256[](50);
        for (uint64 round = 1; round <= 3; ++round) {
            for (uint256 i = 0; i < 50; ++i) {
                words[i] = ((i + 1) << 224) | type(uint224).max;
            }
            postLiveness(noLeaves(), words, uint64(START + 9000 + round));
        }
        keep("liveness of 224 tokens, in a batch of 50 words", 12_000, 50);
    }

    function longProof(uint256 depth) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = keccak256(abi.encode("node", i));
        }
    }

    /// @dev Root of a tree of 2^depth leaves, all of whose levels the path of the index has.
    function rootOver(bytes32 leafHash, uint256 index, uint256 depth) private view returns (bytes32 root) {
        bytes32[] memory proof = longProof(depth);
        root = leafHash;
        for (uint256 i = 0; i < depth; ++i) {
            root =
                (index >> i) & 1 == 1 ? MerkleRfc6962.hashNode(proof[i], root) : MerkleRfc6962.hashNode(root, proof[i]);
        }
    }

    function proveAt(HealthLeaf memory leaf, uint64 depth) private {
        uint64 index = uint64(0xaaaaa) >> (20 - depth);
        bytes32 root = rootOver(MerkleRfc6962.hashLeaf(abi.encode(leaf)), index, depth);
        post(nextEpoch(), root, uint64(1) << depth, uint64(START + 900), noLeaves());
        health.prove(leaf, index, longProof(depth));
    }

    /// @dev The record has been written before, so that its slots are in use.
    function test_prove() public {
        postFull(1, 1);
        postFull(1, 2);
        proveAt(fullLeaf(1_000_001, 3), 16);
        keep("prove a new sequence, steady, 2^16 tokens", 60_000, 1);
        proveAt(fullLeaf(1_000_001, 4), 18);
        keep("prove a new sequence, steady, 2^18 tokens", 60_000, 1);
        proveAt(fullLeaf(1_000_001, 5), 20);
        keep("prove a new sequence, steady, 2^20 tokens", 62_000, 1);
        HealthLeaf memory leaf = fullLeaf(1_000_001, 5);
        leaf.validUntil += 60;
        proveAt(leaf, 20);
        keep("prove an extension, steady, 2^20 tokens", 60_000, 1);
    }

    function reportEntry(uint256 length) private view returns (bytes memory entry, DeviceProof memory proof) {
        bytes memory pae = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            pae[i] = bytes1(uint8(32 + (i * 7) % 95));
        }
        proof = proofOf(1, pae);
        entry = abi.encodePacked(hex"0101", keyHashOf(1), proof.r, proof.s, pae);
    }

    /// @dev A view, so what it costs is added up: execution, 21,000, and calldata at 16 and 4 a byte. A transaction on a
    /// chain with EIP-7623 pays that rule's floor for so much calldata, whatever is executed.
    function test_proveReport() public {
        (bytes memory entry, DeviceProof memory key) = reportEntry(2048);
        uint64 index = 0xaaaaa;
        bytes32 root = rootOver(MerkleRfc6962.hashLeaf(entry), index, 20);
        vm.prank(REGISTRAR);
        log.anchor(ORIGIN, 1 << 20, root);
        log.proveReport(ORIGIN, 1 << 20, index, longProof(20), entry, key.qx, key.qy);
        uint256 execution = vm.lastCallGas().gasTotalUsed;
        (uint256 calldata_, uint256 floor) =
            calldataGas(abi.encodeCall(log.proveReport, (ORIGIN, 1 << 20, index, longProof(20), entry, key.qx, key.qy)));
        uint256 gas = 21_000 + calldata_ + execution;
        vm.snapshotValue(GROUP, "prove a report of 2,048 bytes, 2^20 entries", gas);
        vm.snapshotValue(GROUP, "prove a report of 2,048 bytes, 2^20 entries, by EIP-7623's floor", 21_000 + floor);
        vm.assertLe(gas, 90_000, "proving a report costs too much");
    }

    function calldataGas(bytes memory data) private pure returns (uint256 plain, uint256 floor) {
        for (uint256 i = 0; i < data.length; ++i) {
            plain += data[i] == 0 ? 4 : 16;
            floor += data[i] == 0 ? 10 : 40;
        }
    }

    function test_anchor() public {
        for (uint64 size = 1; size <= 2; ++size) {
            vm.prank(REGISTRAR);
            log.anchor(ORIGIN, size, keccak256(abi.encode(size)));
        }
        keep("anchor, steady", 70_000, 1);
    }
}
