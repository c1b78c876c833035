// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestorSignature, EpochPost, HealthLeaf, Refusal, State} from "../src/interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../src/interfaces/ICaliberHealth.sol";
import {HealthFixture} from "./support/HealthFixture.sol";

/// @notice Epochs in several transactions: nothing of them counts before the last.
contract CaliberHealthChunksTest is HealthFixture {
    /// @dev One leaf a chunk.
    HealthLeaf[] private chunks;

    function setUp() public {
        deployHealth();
        post(list(leafOf(1, 1, State.Healthy)));
        chunks.push(leafOf(1, 2, State.Impaired));
        chunks.push(leafOf(2, 1, State.Healthy));
        chunks.push(leafOf(1, 3, State.Lost));
    }

    function epochOfChunks(uint32 number) private view returns (EpochPost memory epoch) {
        epoch = EpochPost(number, keccak256("chunked"), 2, uint64(START + 800), 0, new bytes32[](chunks.length));
        for (uint256 i = 0; i < chunks.length; ++i) {
            epoch.chunks[i] = chunkHash(list(chunks[i]), noWords());
        }
    }

    function begin(EpochPost memory epoch) private {
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        health.post(epoch, list(chunks[0]), noWords(), signatures);
    }

    function test_takesEffectWithTheLastChunk() public {
        EpochPost memory epoch = epochOfChunks(7);
        (uint32 before, bytes32 root,,,) = health.fleet();
        begin(epoch);
        health.postChunk(epoch, list(chunks[1]), noWords());
        vm.assertEq(uint8(stateOf(1)), uint8(State.Healthy));
        vm.assertEq(uint8(stateOf(2)), uint8(State.Stale));
        vm.assertEq(health.recordOf(2).sequence, 0);
        (uint32 number, bytes32 now_,,,) = health.fleet();
        vm.assertEq(number, before);
        vm.assertEq(now_, root);
        (uint32 begun, uint256 count) = health.staged();
        vm.assertEq(begun, 7);
        vm.assertEq(count, 2);

        vm.expectEmit(address(health));
        emit ICaliberHealth.EpochPosted(7, keccak256("chunked"), 2, uint64(START + 800));
        health.postChunk(epoch, list(chunks[2]), noWords());
        vm.assertEq(uint8(stateOf(1)), uint8(State.Lost));
        vm.assertEq(uint8(stateOf(2)), uint8(State.Healthy));
        (begun, count) = health.staged();
        vm.assertEq(begun, 0);
        vm.assertEq(count, 0);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.EpochNotStaged.selector, 7));
        health.postChunk(epoch, list(chunks[2]), noWords());
    }

    function test_anyoneAddsButOnlyWhatWasSigned() public {
        EpochPost memory epoch = epochOfChunks(7);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.EpochNotStaged.selector, 7));
        health.postChunk(epoch, list(chunks[1]), noWords());
        begin(epoch);
        vm.startPrank(address(0xBAD));
        vm.expectRevert(
            abi.encodeWithSelector(ICaliberHealth.ChunkMismatch.selector, 1, epoch.chunks[1], epoch.chunks[2])
        );
        health.postChunk(epoch, list(chunks[2]), noWords());
        EpochPost memory other = epochOfChunks(7);
        other.fleetUntil += 1;
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.EpochNotStaged.selector, 7));
        health.postChunk(other, list(chunks[1]), noWords());
        health.postChunk(epoch, list(chunks[1]), noWords());
        health.postChunk(epoch, list(chunks[2]), noWords());
        vm.assertEq(uint8(stateOf(1)), uint8(State.Lost));
    }

    function test_anAbandonedEpochNeverCounts() public {
        EpochPost memory epoch = epochOfChunks(7);
        begin(epoch);
        health.postChunk(epoch, list(chunks[1]), noWords());
        vm.expectEmit(address(health));
        emit ICaliberHealth.EpochAbandoned(7);
        post(8, keccak256("root"), 1, uint64(START + 900), noLeaves());
        vm.assertEq(uint8(stateOf(1)), uint8(State.Healthy));
        vm.assertEq(uint8(stateOf(2)), uint8(State.Stale));
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.EpochNotStaged.selector, 7));
        health.postChunk(epoch, list(chunks[2]), noWords());
        // What lies there is written over like nothing.
        post(9, keccak256("root"), 1, uint64(START + 900), list(leafOf(2, 1, State.Watch)));
        vm.assertEq(uint8(stateOf(2)), uint8(State.Watch));
        begin(epochOfChunks(10));
        vm.assertEq(uint8(stateOf(1)), uint8(State.Healthy));
    }

    function test_noEpochIsBegunTwice() public {
        begin(epochOfChunks(7));
        EpochPost memory again = epochOfChunks(7);
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(again));
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.EpochNotGrowing.selector, 7, 7));
        health.post(again, list(chunks[0]), noWords(), signatures);
    }

    /// @dev A proof between two chunks is neither lost nor rolled back by the epoch.
    function test_aProofBetweenChunksStands() public {
        HealthLeaf memory proven = leafOf(1, 5, State.Watch);
        bytes32 root = sha256(abi.encodePacked(uint8(0), abi.encode(proven)));
        postRoot(root, 1, noLeaves());
        EpochPost memory epoch = epochOfChunks(7);
        begin(epoch);
        health.prove(proven, 0, new bytes32[](0));
        vm.assertEq(uint8(stateOf(1)), uint8(State.Watch));
        health.postChunk(epoch, list(chunks[1]), noWords());
        vm.expectEmit(address(health));
        emit ICaliberHealth.TransitionRefused(1, 3, Refusal.Older);
        health.postChunk(epoch, list(chunks[2]), noWords());
        vm.assertEq(uint8(stateOf(1)), uint8(State.Watch));
        vm.assertEq(health.recordOf(1).sequence, 5);
    }

    function test_aFirstProofBetweenChunksStands() public {
        HealthLeaf memory proven = leafOf(2, 5, State.Watch);
        chunks[0] = leafOf(2, 4, State.Healthy);
        postRoot(sha256(abi.encodePacked(uint8(0), abi.encode(proven))), 1, noLeaves());
        EpochPost memory epoch = epochOfChunks(7);
        begin(epoch);
        health.prove(proven, 0, new bytes32[](0));
        vm.assertEq(uint8(stateOf(2)), uint8(State.Watch));
        health.postChunk(epoch, list(chunks[1]), noWords());
        health.postChunk(epoch, list(chunks[2]), noWords());
        vm.assertEq(health.recordOf(2).sequence, 5);
        post(list(leafOf(2, 6, State.Impaired)));
        vm.assertEq(uint8(stateOf(2)), uint8(State.Impaired));
    }

    /// @dev However an epoch is cut, and whatever came before in whichever way, what counts in the end is the same.
    function testFuzz_cutsChangeNothing(uint8[9] calldata sequences, uint16[9] calldata spans, bool[3] calldata cut)
        public
    {
        HealthLeaf memory expected = leafOf(1, 1, State.Healthy);
        for (uint32 round = 0; round < 3; ++round) {
            delete chunks;
            for (uint256 i = 0; i < 3; ++i) {
                HealthLeaf memory leaf = leafOf(1, bound(sequences[round * 3 + i], 1, 6), spans[round * 3 + i] % 4);
                chunks.push(leaf);
                bool extends_ = leaf.sequence == expected.sequence && leaf.state == expected.state
                    && leaf.validUntil > expected.validUntil;
                if (leaf.sequence > expected.sequence || extends_) expected = leaf;
            }
            if (cut[round]) postCut(10 + round);
            else postWhole(10 + round);
            vm.assertEq(keccak256(abi.encode(health.recordOf(1))), keccak256(abi.encode(expected)));
        }
    }

    /// @dev One state for one sequence, so that the same sequence differs in validity alone.
    function leafOf(uint64 tokenId, uint256 sequence, uint16 span) private pure returns (HealthLeaf memory leaf) {
        leaf = leafOf(tokenId, uint64(sequence), State(1 + sequence % 3));
        if (sequence == 1) leaf = leafOf(tokenId, 1, State.Healthy);
        leaf.validUntil += span;
    }

    function postCut(uint32 number) private {
        EpochPost memory epoch = epochOfChunks(number);
        begin(epoch);
        health.postChunk(epoch, list(chunks[1]), noWords());
        health.postChunk(epoch, list(chunks[2]), noWords());
    }

    function postWhole(uint32 number) private {
        HealthLeaf[] memory all = new HealthLeaf[](3);
        (all[0], all[1], all[2]) = (chunks[0], chunks[1], chunks[2]);
        post(number, keccak256("whole"), 2, uint64(START + 800), all);
    }
}
