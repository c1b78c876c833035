// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberHealth} from "../../src/CaliberHealth.sol";
import {AttestorSignature, EpochPost, HealthLeaf, Refusal, State} from "../../src/interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../../src/interfaces/ICaliberHealth.sol";
import {Cheats} from "./Cheats.sol";

/// @notice A health contract with three attestors of whom two must sign.
abstract contract HealthFixture is Cheats {
    address internal constant HEALTH_ADMIN = address(0xAD);
    address internal constant QUORUM_KEEPER = address(0x900);
    address internal constant HEALTH_PAUSER = address(0x9A6);
    uint256 internal constant START = 1_800_000_000;
    uint32 internal constant EPOCH_SECONDS = 3600;

    CaliberHealth internal health;
    uint256[] private _attestorKeys;
    address[] private _attestors;

    function deployHealth() internal {
        vm.warp(START);
        makeAttestors();
        health = new CaliberHealth(1 days, HEALTH_ADMIN, EPOCH_SECONDS, attestors(), 2);
        vm.startPrank(HEALTH_ADMIN);
        health.grantRole(health.QUORUM_ROLE(), QUORUM_KEEPER);
        health.grantRole(health.PAUSER_ROLE(), HEALTH_PAUSER);
        vm.stopPrank();
    }

    /// @dev In ascending order of their accounts. Kept, because deriving an account is slow.
    function makeAttestors() private {
        _attestorKeys = [uint256(11), 12, 13];
        _attestors = [vm.addr(11), vm.addr(12), vm.addr(13)];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = i + 1; j < 3; ++j) {
                if (_attestors[j] > _attestors[i]) continue;
                (_attestors[i], _attestors[j]) = (_attestors[j], _attestors[i]);
                (_attestorKeys[i], _attestorKeys[j]) = (_attestorKeys[j], _attestorKeys[i]);
            }
        }
    }

    function attestors() internal view returns (address[] memory) {
        return _attestors;
    }

    function signedBy(uint256 number, bytes32 digest) internal view returns (AttestorSignature memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_attestorKeys[number], digest);
        return AttestorSignature({attestor: _attestors[number], signature: abi.encodePacked(r, s, v)});
    }

    /// @dev By the first two attestors: just a quorum.
    function quorumOver(bytes32 digest) internal view returns (AttestorSignature[] memory signatures) {
        signatures = new AttestorSignature[](2);
        (signatures[0], signatures[1]) = (signedBy(0, digest), signedBy(1, digest));
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

    function noLeaves() internal pure returns (HealthLeaf[] memory) {
        return new HealthLeaf[](0);
    }

    function noWords() internal pure returns (uint256[] memory) {
        return new uint256[](0);
    }

    /// @dev Independent of the contract's own way over calldata.
    function chunkHash(HealthLeaf[] memory transitions, uint256[] memory liveness) internal pure returns (bytes32) {
        bytes memory leaves;
        for (uint256 i = 0; i < transitions.length; ++i) {
            leaves = bytes.concat(leaves, abi.encode(transitions[i]));
        }
        return keccak256(abi.encode(keccak256(leaves), keccak256(abi.encodePacked(liveness))));
    }

    function epochOf(uint32 epoch, bytes32 root, uint64 size, uint64 fleetUntil, bytes32 chunk)
        internal
        pure
        returns (EpochPost memory post_)
    {
        post_ = EpochPost(epoch, root, size, fleetUntil, 0, new bytes32[](1));
        post_.chunks[0] = chunk;
    }

    /// @dev Posts one chunk under a quorum's signatures.
    function post(uint32 epoch, bytes32 root, uint64 size, uint64 fleetUntil, HealthLeaf[] memory transitions)
        internal
    {
        EpochPost memory post_ = epochOf(epoch, root, size, fleetUntil, chunkHash(transitions, noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(post_));
        health.post(post_, transitions, noWords(), signatures);
    }

    function nextEpoch() internal view returns (uint32) {
        (uint32 epoch,,,,) = health.fleet();
        return epoch + 1;
    }

    /// @dev Posts as the next epoch, with a root nothing is proven under.
    function post(HealthLeaf[] memory transitions) internal {
        postRoot(keccak256("root"), 1, transitions);
    }

    function postRoot(bytes32 root, uint64 size, HealthLeaf[] memory transitions) internal {
        post(nextEpoch(), root, size, uint64(START + 900), transitions);
    }

    /// @dev Posts one chunk with liveness as the next epoch.
    function postLiveness(HealthLeaf[] memory transitions, uint256[] memory words, uint64 livenessUntil) internal {
        EpochPost memory post_ =
            epochOf(nextEpoch(), keccak256("root"), 1, uint64(START + 10_000), chunkHash(transitions, words));
        post_.livenessUntil = livenessUntil;
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(post_));
        health.post(post_, transitions, words, signatures);
    }

    /// @dev Posts the leaf alone, expects its refusal and that the record stands.
    function expectItemRefused(HealthLeaf memory leaf, Refusal reason) internal {
        bytes32 before = keccak256(abi.encode(health.recordOf(leaf.tokenId)));
        vm.expectEmit(address(health));
        emit ICaliberHealth.TransitionRefused(leaf.tokenId, leaf.sequence, reason);
        post(list(leaf));
        vm.assertEq(keccak256(abi.encode(health.recordOf(leaf.tokenId))), before);
    }

    function stateOf(uint256 tokenId) internal view returns (State state) {
        (state,,,,,) = health.healthOf(tokenId);
    }
}
