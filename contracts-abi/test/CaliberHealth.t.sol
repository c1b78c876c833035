// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestorSignature, EpochPost, HealthLeaf, Refusal, State} from "../src/interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../src/interfaces/ICaliberHealth.sol";
import {HealthFixture} from "./support/HealthFixture.sol";

contract CaliberHealthTest is HealthFixture {
    function setUp() public {
        deployHealth();
    }

    function test_aTokenWithoutAPostReadsStale() public {
        (State state,,, uint64 validUntil,,) = health.healthOf(1);
        vm.assertEq(uint8(state), uint8(State.Stale));
        vm.assertEq(validUntil, 0);
        post(list(leafOf(2, 1, State.Healthy)));
        vm.assertEq(uint8(stateOf(1)), uint8(State.Stale));
        vm.assertEq(health.recordOf(1).tokenId, 0);
    }

    function test_postsAnEpochAndItsTransitionsTogether() public {
        HealthLeaf memory leaf = leafOf(1, 1, State.Impaired);
        uint64 fleetUntil = uint64(block.timestamp + 300);
        vm.expectEmit(address(health));
        emit ICaliberHealth.EpochPosted(7, keccak256("root"), 16, fleetUntil);
        vm.expectEmit(address(health));
        emit ICaliberHealth.HealthChanged(
            1, State.Impaired, 7, 1, leaf.cause, leaf.since, leaf.validUntil, leaf.evidenceHash
        );
        post(7, keccak256("root"), 16, fleetUntil, list(leaf));

        (State state, uint16 cause, uint64 since, uint64 validUntil, uint64 assuredUntil, bytes32 evidence) =
            health.healthOf(1);
        vm.assertEq(uint8(state), uint8(State.Impaired));
        vm.assertEq(cause, leaf.cause);
        vm.assertEq(since, leaf.since);
        vm.assertEq(validUntil, fleetUntil);
        vm.assertEq(assuredUntil, leaf.assuredUntil);
        vm.assertEq(evidence, leaf.evidenceHash);
        (uint64 epoch, bytes32 root, uint64 size, uint64 until, uint64 postedAt) = health.fleet();
        vm.assertEq(epoch, 7);
        vm.assertEq(root, keccak256("root"));
        vm.assertEq(size, 16);
        vm.assertEq(until, fleetUntil);
        vm.assertEq(postedAt, block.timestamp);
        vm.assertEq(keccak256(abi.encode(health.recordOf(1))), keccak256(abi.encode(leaf)));
    }

    /// @dev The posted state counts up to and including the earlier of the two deadlines.
    function testFuzz_readsStaleAfterTheEarlierDeadline(uint256 fleetSpan, uint256 tokenSpan, uint256 wait) public {
        fleetSpan = bound(fleetSpan, 0, 1000);
        tokenSpan = bound(tokenSpan, 0, 1000);
        wait = bound(wait, 0, 1100);
        HealthLeaf memory leaf = leafOf(1, 1, State.Healthy);
        leaf.validUntil = uint64(block.timestamp + tokenSpan);
        post(1, keccak256("root"), 1, uint64(block.timestamp + fleetSpan), list(leaf));
        vm.warp(block.timestamp + wait);
        bool counts = wait <= fleetSpan && wait <= tokenSpan;
        vm.assertEq(uint8(stateOf(1)), uint8(counts ? State.Healthy : State.Stale));
    }

    function test_epochsGrow() public {
        expectPostRefused(0, keccak256("root"), abi.encodeWithSelector(ICaliberHealth.EpochNotGrowing.selector, 0, 0));
        post(5, keccak256("root"), 1, 1, noLeaves());
        expectPostRefused(5, keccak256("root"), abi.encodeWithSelector(ICaliberHealth.EpochNotGrowing.selector, 5, 5));
        expectPostRefused(6, bytes32(0), abi.encodeWithSelector(ICaliberHealth.FleetRootMissing.selector));
    }

    function expectPostRefused(uint32 epoch, bytes32 root, bytes memory reason) private {
        EpochPost memory signed = epochOf(epoch, root, 1, 1, chunkHash(noLeaves(), noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(signed));
        vm.expectRevert(reason);
        health.post(signed, noLeaves(), noWords(), signatures);
    }

    /// @dev However long the attestors sign for, a post counts for three epochs from its block.
    function testFuzz_aPostCountsForThreeEpochsAtMost(uint64 fleetUntil) public {
        fleetUntil = uint64(bound(fleetUntil, 0, type(uint40).max));
        post(1, keccak256("root"), 1, fleetUntil, noLeaves());
        (,,, uint64 until,) = health.fleet();
        uint64 furthest = uint64(block.timestamp) + 3 * EPOCH_SECONDS;
        vm.assertEq(until, fleetUntil < furthest ? fleetUntil : furthest);
    }

    function test_anOldGoodLeafNeverBeatsANewerBadOne() public {
        post(list(leafOf(1, 5, State.Lost)));
        vm.expectEmit(address(health));
        emit ICaliberHealth.TransitionRefused(1, 4, Refusal.Older);
        post(list(leafOf(1, 4, State.Healthy)));
        vm.assertEq(uint8(stateOf(1)), uint8(State.Lost));
    }

    function test_theSameSequenceOnlyExtends() public {
        HealthLeaf memory leaf = leafOf(1, 5, State.Watch);
        post(list(leaf));
        leaf.validUntil += 60;
        vm.expectEmit(address(health));
        emit ICaliberHealth.HealthExtended(1, 2, 5, leaf.validUntil);
        post(list(leaf));
        vm.assertEq(health.recordOf(1).validUntil, leaf.validUntil);

        expectItemRefused(leaf, Refusal.Unchanged);
        leaf.validUntil -= 1;
        expectItemRefused(leaf, Refusal.Unchanged);
        vm.assertEq(health.recordOf(1).validUntil, leaf.validUntil + 1);
    }

    function testFuzz_theSameSequenceChangesNothingElse(uint8 member) public {
        HealthLeaf memory leaf = leafOf(1, 5, State.Impaired);
        post(list(leaf));
        leaf.validUntil += 60;
        member = member % 5;
        if (member == 0) leaf.state = uint8(State.Healthy);
        if (member == 1) leaf.cause += 1;
        if (member == 2) leaf.since += 1;
        if (member == 3) leaf.assuredUntil += 1;
        if (member == 4) leaf.evidenceHash = keccak256("other");
        expectItemRefused(leaf, Refusal.Conflict);
    }

    function test_oneBadItemBlocksNoOther() public {
        HealthLeaf[] memory transitions = new HealthLeaf[](9);
        for (uint64 i = 0; i < 9; ++i) {
            transitions[i] = leafOf(i + 1, 1, State.Healthy);
        }
        transitions[1].tokenId = 0;
        transitions[2].sequence = 0;
        transitions[3].state = uint8(State.Unknown);
        transitions[4].state = 9;
        transitions[5].since = 1 << 40;
        transitions[6].validUntil = type(uint64).max;
        transitions[7].assuredUntil = 1 << 40;
        for (uint256 i = 1; i < 8; ++i) {
            vm.expectEmit(address(health));
            emit ICaliberHealth.TransitionRefused(transitions[i].tokenId, transitions[i].sequence, Refusal.Malformed);
        }
        post(transitions);
        for (uint64 i = 1; i <= 9; ++i) {
            vm.assertEq(uint8(stateOf(i)), uint8(i == 1 || i == 9 ? State.Healthy : State.Stale));
        }
    }

    /// @dev Whatever comes in whatever order, the record is what the rule of sequences says.
    function testFuzz_sequences(uint8[12] calldata sequences, uint8[12] calldata states, uint16[12] calldata spans)
        public
    {
        HealthLeaf memory expected;
        for (uint256 i = 0; i < 12; ++i) {
            HealthLeaf memory leaf = leafOf(1, uint64(bound(sequences[i], 1, 5)), State(uint8(bound(states[i], 1, 3))));
            leaf.validUntil = uint64(START + spans[i] % 4);
            bool extended = leaf.sequence == expected.sequence && leaf.state == expected.state
                && leaf.validUntil > expected.validUntil;
            if (leaf.sequence > expected.sequence || extended) expected = leaf;
            post(list(leaf));
            vm.assertEq(keccak256(abi.encode(health.recordOf(1))), keccak256(abi.encode(expected)));
        }
    }
}
