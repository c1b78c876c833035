// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberHealth} from "../../src/CaliberHealth.sol";
import {HealthLeaf, ICaliberHealth, Refusal, State} from "../../src/interfaces/ICaliberHealth.sol";
import {Cheats} from "./Cheats.sol";

abstract contract HealthFixture is Cheats {
    address internal constant ADMIN = address(0xAD);
    address internal constant ATTESTOR = address(0xA77);
    uint256 internal constant START = 1_800_000_000;

    CaliberHealth internal health;

    function deployHealth() internal {
        vm.warp(START);
        health = new CaliberHealth(1 days, ADMIN, ATTESTOR);
    }

    function leafOf(uint64 tokenId, uint64 sequence, State state) internal pure returns (HealthLeaf memory) {
        return HealthLeaf({
            tokenId: tokenId,
            sequence: sequence,
            state: uint8(state),
            cause: 7,
            since: uint64(START - 60),
            validUntil: uint64(START + 600),
            assuredUntil: uint64(START + 86_400),
            evidenceHash: keccak256("evidence")
        });
    }

    function list(HealthLeaf memory leaf) internal pure returns (HealthLeaf[] memory one) {
        one = new HealthLeaf[](1);
        one[0] = leaf;
    }

    /// @dev Posts as the next epoch, with a root nothing is proven under.
    function post(HealthLeaf[] memory transitions) internal {
        postRoot(keccak256("root"), 1, transitions);
    }

    function postRoot(bytes32 root, uint64 size, HealthLeaf[] memory transitions) internal {
        (uint64 epoch,,,,) = health.fleet();
        vm.prank(ATTESTOR);
        health.post(epoch + 1, root, size, uint64(START + 900), transitions);
    }

    /// @dev Posts the leaf alone, expects its refusal and that the record stands.
    function expectItemRefused(HealthLeaf memory leaf, Refusal reason) internal {
        bytes32 before = keccak256(abi.encode(health.recordOf(leaf.tokenId)));
        (uint64 epoch,,,,) = health.fleet();
        vm.expectEmit(address(health));
        emit ICaliberHealth.TransitionRefused(leaf.tokenId, leaf.sequence, reason);
        vm.prank(ATTESTOR);
        health.post(epoch + 1, keccak256("root"), 1, uint64(START + 900), list(leaf));
        vm.assertEq(keccak256(abi.encode(health.recordOf(leaf.tokenId))), before);
    }

    function stateOf(uint256 tokenId) internal view returns (State state) {
        (state,,,,,) = health.healthOf(tokenId);
    }
}
