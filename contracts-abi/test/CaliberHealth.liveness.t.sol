// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestorSignature, EpochPost, HealthLeaf, State} from "../src/interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../src/interfaces/ICaliberHealth.sol";
import {HealthFixture} from "./support/HealthFixture.sol";

/// @notice The daily bitmap: which recorded states still hold.
contract CaliberHealthLivenessTest is HealthFixture {
    uint64 private constant ALIVE_UNTIL = uint64(START + 5000);
    /// @dev First of its page, one inside, and the last.
    uint64[3] private tokens = [uint64(448), 500, 671];

    function setUp() public {
        deployHealth();
        HealthLeaf[] memory leaves = new HealthLeaf[](3);
        for (uint256 i = 0; i < 3; ++i) {
            leaves[i] = leafOf(tokens[i], 1, State.Healthy);
        }
        post(leaves);
    }

    /// @dev A word of page 2 with these tokens alive.
    function word(bool first, bool middle, bool last) private pure returns (uint256[] memory words) {
        words = new uint256[](1);
        words[0] = uint256(2) << 224;
        if (first) words[0] |= 1;
        if (middle) words[0] |= 1 << 52;
        if (last) words[0] |= 1 << 223;
    }

    function warpPastTheRecords() private {
        vm.warp(START + 601);
    }

    function test_keepsStatesCountingByTheirBits() public {
        postLiveness(noLeaves(), word(true, false, true), ALIVE_UNTIL);
        warpPastTheRecords();
        vm.assertEq(uint8(stateOf(448)), uint8(State.Healthy));
        vm.assertEq(uint8(stateOf(500)), uint8(State.Stale));
        vm.assertEq(uint8(stateOf(671)), uint8(State.Healthy));
        vm.assertEq(uint8(stateOf(447)), uint8(State.Stale));
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL);
        vm.assertEq(health.livenessOf(500), 0);
        vm.assertEq(health.livenessOf(672), 0);
        (,,, uint64 until,,) = health.healthOf(448);
        vm.assertEq(until, ALIVE_UNTIL);
        vm.assertEq(health.recordOf(448).validUntil, START + 600);
        vm.warp(ALIVE_UNTIL);
        vm.assertEq(uint8(stateOf(448)), uint8(State.Healthy));
        vm.warp(ALIVE_UNTIL + 1);
        vm.assertEq(uint8(stateOf(448)), uint8(State.Stale));
    }

    function test_doesNotOutliveTheFleet() public {
        postLiveness(noLeaves(), word(true, true, true), uint64(START + 90_000));
        (,,, uint64 until,,) = health.healthOf(448);
        vm.assertEq(until, START + 10_000);
        vm.warp(START + 10_001);
        vm.assertEq(uint8(stateOf(448)), uint8(State.Stale));
    }

    function test_theLaterWordDecides() public {
        postLiveness(noLeaves(), word(true, true, true), ALIVE_UNTIL);
        postLiveness(noLeaves(), word(true, false, false), ALIVE_UNTIL - 1);
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL - 1);
        vm.assertEq(health.livenessOf(500), 0);
    }

    /// @dev The attestors said "still holds" of another state.
    function test_saysNothingOfAYoungerSequence() public {
        postLiveness(noLeaves(), word(true, true, true), ALIVE_UNTIL);
        HealthLeaf memory next = leafOf(448, 2, State.Watch);
        post(list(next));
        vm.assertEq(health.livenessOf(448), 0);
        vm.assertEq(health.livenessOf(500), ALIVE_UNTIL);
        next.validUntil += 10;
        post(list(next));
        vm.assertEq(health.livenessOf(448), 0);
        postLiveness(noLeaves(), word(true, true, true), ALIVE_UNTIL);
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL);
    }

    /// @dev At the same sequence a state may only be extended: nobody can take its liveness off it by a shorter leaf.
    function test_anExtensionKeepsTheLiveness() public {
        HealthLeaf memory longer = leafOf(448, 1, State.Healthy);
        longer.validUntil += 10;
        EpochPost memory epoch = epochOf(
            nextEpoch(),
            sha256(abi.encodePacked(uint8(0), abi.encode(longer))),
            1,
            uint64(START + 10_000),
            chunkHash(noLeaves(), word(true, true, true))
        );
        epoch.livenessUntil = ALIVE_UNTIL;
        health.post(epoch, noLeaves(), word(true, true, true), quorumOver(health.epochDigest(epoch)));
        health.prove(longer, 0, new bytes32[](0));
        vm.assertEq(health.recordOf(448).validUntil, longer.validUntil);
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL);
        longer.validUntil += 10;
        post(list(longer));
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL);
    }

    function test_inChunksItWaitsForTheLast() public {
        postLiveness(noLeaves(), word(true, true, true), ALIVE_UNTIL);
        EpochPost memory epoch =
            EpochPost(7, keccak256("root"), 1, uint64(START + 10_000), ALIVE_UNTIL + 100, new bytes32[](2));
        uint256[] memory next = word(false, true, false);
        epoch.chunks[0] = chunkHash(noLeaves(), next);
        epoch.chunks[1] = chunkHash(noLeaves(), noWords());
        health.post(epoch, noLeaves(), next, quorumOver(health.epochDigest(epoch)));
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL);
        vm.assertEq(health.livenessOf(500), ALIVE_UNTIL);
        health.postChunk(epoch, noLeaves(), noWords());
        vm.assertEq(health.livenessOf(448), 0);
        vm.assertEq(health.livenessOf(500), ALIVE_UNTIL + 100);
    }

    function test_anAbandonedWordNeverCounts() public {
        postLiveness(noLeaves(), word(true, false, false), ALIVE_UNTIL);
        EpochPost memory epoch =
            EpochPost(7, keccak256("root"), 1, uint64(START + 10_000), ALIVE_UNTIL + 100, new bytes32[](2));
        epoch.chunks[0] = chunkHash(noLeaves(), word(true, true, true));
        health.post(epoch, noLeaves(), word(true, true, true), quorumOver(health.epochDigest(epoch)));
        post(8, keccak256("root"), 1, uint64(START + 10_000), noLeaves());
        vm.assertEq(health.livenessOf(448), ALIVE_UNTIL);
        vm.assertEq(health.livenessOf(500), 0);
    }

    function test_aPageGivenTwiceIsWhatWasGivenLast() public {
        uint256[] memory words = new uint256[](3);
        words[0] = word(true, true, true)[0];
        words[1] = word(true, false, false)[0];
        words[2] = word(false, true, false)[0];
        for (uint64 round = 0; round < 3; ++round) {
            postLiveness(noLeaves(), words, ALIVE_UNTIL + round);
            vm.assertEq(health.livenessOf(448), 0);
            vm.assertEq(health.livenessOf(500), ALIVE_UNTIL + round);
        }
    }

    function test_needsATime() public {
        EpochPost memory epoch =
            epochOf(nextEpoch(), keccak256("root"), 1, 1, chunkHash(noLeaves(), word(true, true, true)));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        vm.expectRevert(ICaliberHealth.LivenessUntilMissing.selector);
        health.post(epoch, noLeaves(), word(true, true, true), signatures);
    }
}
