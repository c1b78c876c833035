// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HealthLeaf, Refusal, State} from "../src/interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../src/interfaces/ICaliberHealth.sol";
import {MerkleRfc6962} from "../src/libraries/MerkleRfc6962.sol";
import {HealthFixture} from "./support/HealthFixture.sol";
import {Tree} from "./support/Tree.sol";

contract CaliberHealthProveTest is HealthFixture {
    uint64 private constant SIZE = 5;
    HealthLeaf[] private fleet;

    function setUp() public {
        deployHealth();
        for (uint64 i = 0; i < SIZE; ++i) {
            fleet.push(leafOf(i + 1, 3, State.Healthy));
        }
        postFleet();
    }

    function postFleet() private {
        postRoot(Tree.root(hashes()), SIZE, noLeaves());
    }

    function hashes() private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](SIZE);
        for (uint256 i = 0; i < SIZE; ++i) {
            bytes memory encoded = abi.encode(fleet[i]);
            vm.assertEq(encoded.length, 256);
            leaves[i] = sha256(abi.encodePacked(uint8(0), encoded));
        }
    }

    function pathOf(uint64 index) private view returns (bytes32[] memory) {
        return Tree.path(hashes(), index);
    }

    function provenState(uint64 index) private view returns (State state) {
        (state,,,,,) = health.healthOfProven(fleet[index], index, pathOf(index));
    }

    function test_anyoneProvesALeafOfTheFleet() public {
        bytes32[] memory path = pathOf(4);
        vm.assertEq(uint8(stateOf(5)), uint8(State.Stale));
        vm.assertEq(uint8(provenState(4)), uint8(State.Healthy));
        health.prove(fleet[4], 4, path);
        vm.assertEq(uint8(stateOf(5)), uint8(State.Healthy));
        vm.assertEq(uint8(stateOf(4)), uint8(State.Stale));
    }

    function test_whatTheFleetDoesNotHoldIsRefused() public {
        HealthLeaf memory forged = fleet[2];
        forged.validUntil += 1;
        bytes32[] memory path = pathOf(2);
        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        health.prove(forged, 2, path);
        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        health.healthOfProven(forged, 2, path);
        vm.expectPartialRevert(MerkleRfc6962.LeafIndexOutOfRange.selector);
        health.prove(forged, SIZE, path);
    }

    function test_aLeafOfAnEarlierEpochIsRefused() public {
        bytes32[] memory path = pathOf(2);
        postRoot(keccak256("next root"), SIZE, noLeaves());
        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        health.prove(fleet[2], 2, path);
    }

    function test_aProvenOldLeafLeavesTheRecordStanding() public {
        bytes32[] memory path = pathOf(0);
        HealthLeaf[] memory bad = list(leafOf(1, 4, State.Lost));
        postRoot(Tree.root(hashes()), SIZE, bad);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.LeafRefused.selector, 1, 3, Refusal.Older));
        health.prove(fleet[0], 0, path);
        vm.assertEq(uint8(provenState(0)), uint8(State.Lost));
        vm.assertEq(uint8(stateOf(1)), uint8(State.Lost));
    }

    function test_aProvenLeafExtends() public {
        HealthLeaf memory shorter = fleet[0];
        shorter.validUntil -= 500;
        postRoot(Tree.root(hashes()), SIZE, list(shorter));
        vm.warp(shorter.validUntil + 1);
        vm.assertEq(uint8(stateOf(1)), uint8(State.Stale));
        vm.assertEq(uint8(provenState(0)), uint8(State.Healthy));
        bytes32[] memory path = pathOf(0);
        health.prove(fleet[0], 0, path);
        vm.assertEq(uint8(stateOf(1)), uint8(State.Healthy));
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.LeafRefused.selector, 1, 3, Refusal.Unchanged));
        health.prove(fleet[0], 0, path);
        vm.assertEq(uint8(provenState(0)), uint8(State.Healthy));
    }

    function test_aProvenContradictionReverts() public {
        bytes32[] memory path = pathOf(0);
        postRoot(Tree.root(hashes()), SIZE, list(leafOf(1, 3, State.Impaired)));
        bytes memory reason = abi.encodeWithSelector(ICaliberHealth.LeafRefused.selector, 1, 3, Refusal.Conflict);
        vm.expectRevert(reason);
        health.prove(fleet[0], 0, path);
        vm.expectRevert(reason);
        health.healthOfProven(fleet[0], 0, path);
        vm.assertEq(uint8(stateOf(1)), uint8(State.Impaired));
    }

    function test_aProofDoesNotOutliveTheFleet() public {
        vm.warp(START + 901);
        fleet[0].validUntil = uint64(START + 5000);
        postFleet();
        vm.assertEq(uint8(provenState(0)), uint8(State.Stale));
        bytes32[] memory path = pathOf(0);
        health.prove(fleet[0], 0, path);
        vm.assertEq(uint8(stateOf(1)), uint8(State.Stale));
    }

    function test_aMalformedLeafOfTheFleetReverts() public {
        fleet[0].state = 9;
        postFleet();
        bytes32[] memory path = pathOf(0);
        bytes memory reason = abi.encodeWithSelector(ICaliberHealth.LeafRefused.selector, 1, 3, Refusal.Malformed);
        vm.expectRevert(reason);
        health.prove(fleet[0], 0, path);
        vm.expectRevert(reason);
        health.healthOfProven(fleet[0], 0, path);
    }
}
