// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberHealth} from "../src/CaliberHealth.sol";
import {HealthLeaf, State} from "../src/interfaces/HealthTypes.sol";
import {Cheats} from "./support/Cheats.sol";
import {HealthHandler} from "./support/HealthHandler.sol";

/// @dev Signing in Solidity tests is slow, so there are fewer runs than elsewhere, once for each invariant.
/// forge-config: default.invariant.runs = 24
contract CaliberHealthInvariantTest is Cheats {
    HealthHandler private handler;
    CaliberHealth private health;

    function setUp() public {
        handler = new HealthHandler();
        health = handler.contractUnderTest();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function least(uint64 one, uint64 other) private pure returns (uint64) {
        return one < other ? one : other;
    }

    function invariant_nothingCountsPastItsDeadlines() public view {
        for (uint64 tokenId = 0; tokenId <= handler.TOKENS(); ++tokenId) {
            (State state,,, uint64 validUntil,,) = health.healthOf(tokenId);
            HealthLeaf memory recorded = health.recordOf(tokenId);
            uint64 tokenUntil = recorded.validUntil;
            uint64 alive = health.livenessOf(tokenId);
            if (alive > tokenUntil) tokenUntil = alive;
            vm.assertEq(validUntil, least(tokenUntil, handler.fleetUntil()));
            vm.assertTrue(state != State.Unknown, "reads Unknown");
            vm.assertEq(uint8(state), block.timestamp > validUntil ? uint8(State.Stale) : recorded.state);
        }
    }

    /// @dev Whatever reads other than Stale, a quorum has vouched for that very sequence until then, in an epoch that is
    /// complete, and some epoch was complete at most three epochs ago.
    function invariant_healthIsNeverFresherThanItsEvidence() public view {
        for (uint64 tokenId = 1; tokenId <= handler.TOKENS(); ++tokenId) {
            (State state,,, uint64 validUntil,,) = health.healthOf(tokenId);
            if (state == State.Stale && block.timestamp > validUntil) continue;
            uint64 sequence = health.recordOf(tokenId).sequence;
            vm.assertLe(validUntil, handler.vouchedUntil(tokenId, sequence));
            vm.assertLe(block.timestamp, uint256(handler.completedAt()) + 3 * health.EPOCH_SECONDS());
        }
    }

    function invariant_theRecordIsTheHighestSequenceApplied() public view {
        for (uint64 tokenId = 1; tokenId <= handler.TOKENS(); ++tokenId) {
            vm.assertEq(health.recordOf(tokenId).sequence, handler.highestSequence(tokenId));
        }
        vm.assertEq(health.recordOf(0).sequence, 0);
    }

    function invariant_onlyCompleteEpochsCount() public view {
        (uint32 epoch,,,,) = health.fleet();
        vm.assertEq(epoch, handler.complete());
    }
}
