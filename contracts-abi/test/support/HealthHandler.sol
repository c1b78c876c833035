// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberHealth} from "../../src/CaliberHealth.sol";
import {HealthLeaf, State} from "../../src/interfaces/HealthTypes.sol";
import {HealthFixture} from "./HealthFixture.sol";

/// @notice Posts, proves and lets time pass at random, for few tokens and few sequences, some of it malformed.
contract HealthHandler is HealthFixture {
    uint64 public constant TOKENS = 4;

    mapping(uint256 tokenId => uint64) public highestSequence;
    mapping(uint256 tokenId => HealthLeaf) private _recorded;
    uint32 public epoch;
    uint64 public fleetUntil;

    constructor() {
        deployHealth();
    }

    function contractUnderTest() external view returns (CaliberHealth) {
        return health;
    }

    function postTransition(uint256 tokenId, uint256 sequence, uint8 state, uint16 valid, uint16 fleetValid) external {
        HealthLeaf memory leaf = random(tokenId, sequence, state, valid);
        publish(keccak256("root"), fleetValid, list(leaf));
    }

    /// @dev A fleet of one: its root is the leaf's hash and its proof is empty.
    function proveLeaf(uint256 tokenId, uint256 sequence, uint8 state, uint16 valid, uint16 fleetValid) external {
        HealthLeaf memory leaf = random(tokenId, sequence, state, valid);
        publish(sha256(abi.encodePacked(uint8(0), abi.encode(leaf))), fleetValid, new HealthLeaf[](0));
        try health.prove(leaf, 0, new bytes32[](0)) {
            note(leaf.tokenId);
        } catch {
            vm.assertEq(health.recordOf(leaf.tokenId).sequence, highestSequence[leaf.tokenId]);
        }
    }

    function pass(uint16 span) external {
        vm.warp(block.timestamp + bound(span, 0, 200));
    }

    function random(uint256 tokenId, uint256 sequence, uint8 state, uint16 valid)
        private
        view
        returns (HealthLeaf memory leaf)
    {
        leaf = leafOf(uint64(bound(tokenId, 0, TOKENS)), uint64(bound(sequence, 0, 9)), State.Healthy);
        leaf.state = uint8(bound(state, 0, 10));
        leaf.validUntil = uint64(block.timestamp + bound(valid, 0, 400)) - 100;
    }

    function publish(bytes32 root, uint16 fleetValid, HealthLeaf[] memory transitions) private {
        fleetUntil = uint64(block.timestamp + bound(fleetValid, 0, 400)) - 100;
        post(++epoch, root, 1, fleetUntil, transitions);
        for (uint256 i = 0; i < transitions.length; ++i) {
            note(transitions[i].tokenId);
        }
    }

    /// @dev The record never falls in sequence, and at one sequence only its validity grows.
    function note(uint64 tokenId) private {
        HealthLeaf memory now_ = health.recordOf(tokenId);
        HealthLeaf memory before = _recorded[tokenId];
        vm.assertLe(before.sequence, now_.sequence);
        if (before.sequence == now_.sequence) {
            vm.assertLe(before.validUntil, now_.validUntil);
            vm.assertEq(before.state, now_.state);
        }
        highestSequence[tokenId] = now_.sequence;
        _recorded[tokenId] = now_;
    }
}
