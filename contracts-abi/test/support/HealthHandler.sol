// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberHealth} from "../../src/CaliberHealth.sol";
import {EpochPost, HealthLeaf, State} from "../../src/interfaces/HealthTypes.sol";
import {HealthFixture} from "./HealthFixture.sol";

/// @notice Posts in one piece and in two, with and without liveness, proves, abandons and lets time pass at random, for
/// few tokens and few sequences, some of it malformed. It keeps what the attestors have signed for and for how long.
contract HealthHandler is HealthFixture {
    uint64 public constant TOKENS = 4;

    mapping(uint256 tokenId => uint64) public highestSequence;
    mapping(uint256 tokenId => HealthLeaf) private _recorded;
    /// @dev Latest time until which a complete epoch, or a proof under one, vouches for a token's recorded sequence.
    mapping(uint256 tokenId => mapping(uint64 sequence => uint64)) public vouchedUntil;
    uint32 public epoch;
    uint32 public complete;
    uint64 public fleetUntil;
    uint64 public completedAt;

    constructor() {
        deployHealth();
    }

    function contractUnderTest() external view returns (CaliberHealth) {
        return health;
    }

    function postTransition(uint256 tokenId, uint256 sequence, uint8 state, uint16 valid, uint16 fleetValid) external {
        publish(keccak256("root"), fleetValid, list(random(tokenId, sequence, state, valid)));
    }

    /// @dev A fleet of one: its root is the leaf's hash and its proof is empty.
    function proveLeaf(uint256 tokenId, uint256 sequence, uint8 state, uint16 valid, uint16 fleetValid) external {
        HealthLeaf memory leaf = random(tokenId, sequence, state, valid);
        publish(sha256(abi.encodePacked(uint8(0), abi.encode(leaf))), fleetValid, noLeaves());
        try health.prove(leaf, 0, new bytes32[](0)) {
            vouch(leaf.tokenId, leaf.sequence, leaf.validUntil);
            note(leaf.tokenId);
        } catch {
            vm.assertEq(health.recordOf(leaf.tokenId).sequence, highestSequence[leaf.tokenId]);
        }
    }

    /// @dev All tokens are on the first page.
    function postLivenessOf(uint8 alive, uint16 valid, uint16 fleetValid) external {
        uint256[] memory words = new uint256[](1);
        words[0] = alive;
        EpochPost memory signed = sign(keccak256("root"), fleetValid, chunkHash(noLeaves(), words));
        signed.livenessUntil = uint64(block.timestamp + bound(valid, 0, 400));
        health.post(signed, noLeaves(), words, quorumOver(health.epochDigest(signed)));
        completeWith(signed);
        for (uint64 tokenId = 0; tokenId <= TOKENS; ++tokenId) {
            if ((alive >> tokenId) & 1 == 1) vouch(tokenId, highestSequence[tokenId], signed.livenessUntil);
        }
    }

    /// @dev In two pieces. The second may never come, and then nothing counts.
    function postTwoChunks(uint256[2] calldata tokenIds, uint256[2] calldata sequences, uint16 valid, bool abandon)
        external
    {
        HealthLeaf memory one = random(tokenIds[0], sequences[0], 1 + uint8(sequences[0] % 8), valid);
        HealthLeaf memory two = random(tokenIds[1], sequences[1], 1 + uint8(sequences[1] % 8), valid);
        EpochPost memory signed = sign(keccak256("root"), valid, chunkHash(list(one), noWords()));
        bytes32 first = signed.chunks[0];
        signed.chunks = new bytes32[](2);
        (signed.chunks[0], signed.chunks[1]) = (first, chunkHash(list(two), noWords()));
        bytes32 before = keccak256(abi.encode(health.recordOf(one.tokenId), health.recordOf(two.tokenId)));
        health.post(signed, list(one), noWords(), quorumOver(health.epochDigest(signed)));
        vm.assertEq(keccak256(abi.encode(health.recordOf(one.tokenId), health.recordOf(two.tokenId))), before);
        if (abandon) return;
        health.postChunk(signed, list(two), noWords());
        completeWith(signed);
        vouch(one.tokenId, one.sequence, one.validUntil);
        vouch(two.tokenId, two.sequence, two.validUntil);
        note(one.tokenId);
        note(two.tokenId);
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

    function sign(bytes32 root, uint16 fleetValid, bytes32 chunk) private returns (EpochPost memory) {
        return epochOf(++epoch, root, 1, uint64(block.timestamp + bound(fleetValid, 0, 400)) - 100, chunk);
    }

    function publish(bytes32 root, uint16 fleetValid, HealthLeaf[] memory transitions) private {
        EpochPost memory signed = sign(root, fleetValid, chunkHash(transitions, noWords()));
        health.post(signed, transitions, noWords(), quorumOver(health.epochDigest(signed)));
        completeWith(signed);
        for (uint256 i = 0; i < transitions.length; ++i) {
            vouch(transitions[i].tokenId, transitions[i].sequence, transitions[i].validUntil);
            note(transitions[i].tokenId);
        }
    }

    function completeWith(EpochPost memory signed) private {
        (complete, fleetUntil, completedAt) = (signed.epoch, signed.fleetUntil, uint64(block.timestamp));
    }

    function vouch(uint64 tokenId, uint64 sequence, uint64 until) private {
        if (until > vouchedUntil[tokenId][sequence]) vouchedUntil[tokenId][sequence] = until;
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
