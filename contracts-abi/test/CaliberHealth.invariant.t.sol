// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberHealth} from "../src/CaliberHealth.sol";
import {HealthLeaf, State} from "../src/interfaces/HealthTypes.sol";
import {Cheats} from "./support/Cheats.sol";
import {HealthHandler} from "./support/HealthHandler.sol";

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

    function invariant_nothingCountsPastItsDeadlines() public view {
        for (uint64 tokenId = 0; tokenId <= handler.TOKENS(); ++tokenId) {
            (State state,,, uint64 validUntil,,) = health.healthOf(tokenId);
            HealthLeaf memory recorded = health.recordOf(tokenId);
            uint64 deadline = recorded.validUntil < handler.fleetUntil() ? recorded.validUntil : handler.fleetUntil();
            vm.assertEq(validUntil, deadline);
            vm.assertTrue(state != State.Unknown, "reads Unknown");
            vm.assertEq(uint8(state), block.timestamp > deadline ? uint8(State.Stale) : recorded.state);
            if (state == State.Healthy) vm.assertLe(block.timestamp, deadline);
        }
    }

    function invariant_theRecordIsTheHighestSequenceApplied() public view {
        for (uint64 tokenId = 1; tokenId <= handler.TOKENS(); ++tokenId) {
            vm.assertEq(health.recordOf(tokenId).sequence, handler.highestSequence(tokenId));
        }
        vm.assertEq(health.recordOf(0).sequence, 0);
    }

    function invariant_epochsGrow() public view {
        (uint32 epoch,,,,) = health.fleet();
        vm.assertEq(epoch, handler.epoch());
    }
}
