// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {AttestorQuorum} from "./health/AttestorQuorum.sol";
import {HealthRecords} from "./health/HealthRecords.sol";
import {Liveness} from "./health/Liveness.sol";
import {AttestorSignature, EpochPost, HealthLeaf, Refusal, State} from "./interfaces/HealthTypes.sol";
import {ICaliberHealth} from "./interfaces/ICaliberHealth.sol";
import {Meta} from "./libraries/HealthMeta.sol";
import {HealthHashes} from "./libraries/HealthHashes.sol";
import {MerkleRfc6962} from "./libraries/MerkleRfc6962.sol";

/// @title CaliberHealth
/// @notice Health of tokens as a quorum of attestors posts it. Nothing keeps a state alive but fresh posts: past
/// min(fleetUntil, tokenUntil) every token reads Stale, with no transaction.
/// @dev A token's record only moves up in sequence; at the same sequence only its `validUntil` can grow. So an old
/// good leaf, posted or proven, never beats a newer bad one. Nothing here can touch a title.
contract CaliberHealth is HealthRecords, Liveness, AttestorQuorum, EIP712, AccessControlDefaultAdminRules {
    /// @dev Two slots. begun: the last epoch of which anything came; it is complete when it equals `epoch`.
    /// chunks: how many of that one are here, zero when it is complete. hasAbandoned spares most reads of
    /// `_abandoned`.
    struct Fleet {
        bytes32 root;
        uint32 epoch;
        uint32 begun;
        uint64 size;
        uint40 until;
        uint40 postedAt;
        uint16 chunks;
        bool hasAbandoned;
        bool paused;
    }

    /// @notice May set the attestors.
    bytes32 public constant QUORUM_ROLE = keccak256("QUORUM_ROLE");
    /// @notice May pause: no posts, no proofs, and everything reads Stale. For when attestors' keys are lost.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    /// @notice Length of an epoch in seconds. A post counts for three at most.
    uint32 public immutable EPOCH_SECONDS;

    Fleet private _fleet;
    bytes32 private _stagedHash;
    mapping(uint32 epoch => bool) private _abandoned;

    modifier whenNotPaused() {
        require(!_fleet.paused, HealthPaused());
        _;
    }

    /// @param adminDelay Seconds between the two steps of handing over the admin role.
    /// @param admin First admin. All roles are the admin's to give.
    /// @param epochSeconds Length of an epoch.
    /// @param attestors Whose signatures count.
    /// @param threshold How many of them are needed.
    constructor(uint48 adminDelay, address admin, uint32 epochSeconds, address[] memory attestors, uint8 threshold)
        EIP712("CaliberHealth", "1")
        AccessControlDefaultAdminRules(adminDelay, admin)
    {
        EPOCH_SECONDS = epochSeconds;
        _setAttestors(attestors, threshold);
    }

    /// @inheritdoc ICaliberHealth
    function post(
        EpochPost calldata epoch,
        HealthLeaf[] calldata transitions,
        uint256[] calldata liveness,
        AttestorSignature[] calldata signatures
    ) external whenNotPaused {
        uint32 number = epoch.epoch;
        require(number > _fleet.begun, EpochNotGrowing(_fleet.begun, number));
        require(epoch.fleetRoot != bytes32(0), FleetRootMissing());
        bytes32 structHash = HealthHashes.hash(epoch);
        requireQuorum(_hashTypedDataV4(structHash), signatures);
        _abandonStaged();
        _requireChunk(epoch, 0, transitions, liveness);
        if (epoch.chunks.length == 1) {
            // Complete before its items are taken: they may be written over what counts.
            _complete(epoch);
            for (uint256 i = 0; i < transitions.length; ++i) {
                _tell(transitions[i], _applyNow(transitions[i], number));
            }
            _stageLiveness(liveness, number);
            return;
        }
        require(epoch.chunks.length <= type(uint16).max, TooManyChunks(epoch.chunks.length));
        _fleet.begun = number;
        _stagedHash = structHash;
        _stageChunk(epoch, 0, transitions, liveness);
    }

    /// @inheritdoc ICaliberHealth
    function postChunk(EpochPost calldata epoch, HealthLeaf[] calldata transitions, uint256[] calldata liveness)
        external
        whenNotPaused
    {
        uint256 index = _fleet.chunks;
        require(index != 0 && _stagedHash == HealthHashes.hash(epoch), EpochNotStaged(epoch.epoch));
        _requireChunk(epoch, index, transitions, liveness);
        _stageChunk(epoch, index, transitions, liveness);
        if (index + 1 == epoch.chunks.length) _complete(epoch);
    }

    /// @inheritdoc ICaliberHealth
    function prove(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof) external whenNotPaused {
        _requireInFleet(leaf, index, proof);
        Refusal reason = _applyNow(leaf, _fleet.epoch);
        // Not `require`, which would read the error's members from calldata in any case.
        if (reason != Refusal.None) revert LeafRefused(leaf.tokenId, leaf.sequence, reason);
    }

    /// @inheritdoc ICaliberHealth
    function setAttestors(address[] calldata attestors, uint8 threshold) external onlyRole(QUORUM_ROLE) {
        _abandonStaged();
        _setAttestors(attestors, threshold);
    }

    /// @notice Stops posts and proofs; everything reads Stale.
    function pause() external onlyRole(PAUSER_ROLE) {
        _setPaused(true);
    }

    /// @notice Ends the pause.
    function unpause() external onlyRole(PAUSER_ROLE) {
        _setPaused(false);
    }

    /// @inheritdoc ICaliberHealth
    function paused() public view returns (bool) {
        return _fleet.paused;
    }

    /// @inheritdoc ICaliberHealth
    function healthOf(uint256 tokenId) external view returns (State, uint16, uint64, uint64, uint64, bytes32) {
        (Meta meta, bytes32 evidenceHash) = _recorded(tokenId);
        return _reading(tokenId, meta, evidenceHash);
    }

    /// @inheritdoc ICaliberHealth
    function healthOfProven(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof)
        external
        view
        returns (State, uint16, uint64, uint64, uint64, bytes32)
    {
        _requireInFleet(leaf, index, proof);
        (Meta meta, bytes32 evidenceHash) = _afterProof(leaf, _fleet.epoch);
        return _reading(leaf.tokenId, meta, evidenceHash);
    }

    /// @inheritdoc ICaliberHealth
    function livenessOf(uint256 tokenId) external view returns (uint64) {
        (Meta meta,) = _recorded(tokenId);
        return meta.isNone() ? 0 : _livenessOf(tokenId, meta.bornEpoch());
    }

    /// @inheritdoc ICaliberHealth
    function fleet() external view returns (uint32, bytes32, uint64, uint64, uint64) {
        return (_fleet.epoch, _fleet.root, _fleet.size, _fleet.until, _fleet.postedAt);
    }

    /// @inheritdoc ICaliberHealth
    function staged() external view returns (uint32, uint256) {
        return (_fleet.chunks == 0 ? 0 : _fleet.begun, _fleet.chunks);
    }

    /// @inheritdoc ICaliberHealth
    function epochDigest(EpochPost calldata epoch) external view returns (bytes32) {
        return _hashTypedDataV4(HealthHashes.hash(epoch));
    }

    function _isComplete(uint32 epoch) internal view override returns (bool) {
        return epoch <= _fleet.epoch && (!_fleet.hasAbandoned || !_abandoned[epoch]);
    }

    /// @dev What the epoch brought stays in its places, and never counts.
    function _abandonStaged() private {
        if (_fleet.chunks == 0) return;
        uint32 epoch = _fleet.begun;
        _abandoned[epoch] = true;
        _fleet.hasAbandoned = true;
        _fleet.chunks = 0;
        emit EpochAbandoned(epoch);
    }

    function _requireChunk(
        EpochPost calldata epoch,
        uint256 index,
        HealthLeaf[] calldata transitions,
        uint256[] calldata liveness
    ) private pure {
        bytes32 chunk = HealthHashes.hashChunk(transitions, liveness);
        require(chunk == epoch.chunks[index], ChunkMismatch(index, epoch.chunks[index], chunk));
        require(liveness.length == 0 || epoch.livenessUntil != 0, LivenessUntilMissing());
    }

    /// @dev Fewer than 2^16 chunks have been made sure of.
    function _stageChunk(
        EpochPost calldata epoch,
        uint256 index,
        HealthLeaf[] calldata transitions,
        uint256[] calldata liveness
    ) private {
        for (uint256 i = 0; i < transitions.length; ++i) {
            _tell(transitions[i], _stage(transitions[i], epoch.epoch));
        }
        _stageLiveness(liveness, epoch.epoch);
        _fleet.chunks = uint16(index + 1);
        emit ChunkStaged(epoch.epoch, index, epoch.chunks.length);
    }

    function _tell(HealthLeaf calldata leaf, Refusal reason) private {
        if (reason != Refusal.None) emit TransitionRefused(leaf.tokenId, leaf.sequence, reason);
    }

    function _setPaused(bool paused_) private {
        _fleet.paused = paused_;
        emit PausedSet(msg.sender, paused_);
    }

    /// @dev From here on all that came with the epoch counts. The signed time is an absolute one, so that a post held
    /// back does not come out fresher; the cut is against attestors who sign too much.
    function _complete(EpochPost calldata epoch) private {
        uint256 furthest = block.timestamp + 3 * uint256(EPOCH_SECONDS);
        uint64 until = epoch.fleetUntil < furthest ? epoch.fleetUntil : uint64(furthest);
        _fleet = Fleet({
            root: epoch.fleetRoot,
            epoch: epoch.epoch,
            begun: epoch.epoch,
            size: epoch.fleetSize,
            until: uint40(until),
            postedAt: uint40(block.timestamp),
            chunks: 0,
            hasAbandoned: _fleet.hasAbandoned,
            paused: false // or this could not have been called
        });
        if (epoch.livenessUntil != 0) _completeLiveness(epoch.epoch, epoch.livenessUntil);
        emit EpochPosted(epoch.epoch, epoch.fleetRoot, epoch.fleetSize, until);
    }

    /// @dev Where a record becomes what counts now. An empty record has validUntil zero and so reads Stale.
    function _reading(uint256 tokenId, Meta meta, bytes32 evidenceHash)
        private
        view
        returns (State, uint16, uint64, uint64, uint64, bytes32)
    {
        uint64 until = meta.validUntil();
        if (!meta.isNone()) {
            uint64 aliveUntil = _livenessOf(tokenId, meta.bornEpoch());
            if (aliveUntil > until) until = aliveUntil;
        }
        if (_fleet.until < until) until = _fleet.until;
        bool counts = block.timestamp <= until && !paused();
        return
            (counts ? meta.state() : State.Stale, meta.cause(), meta.since(), until, meta.assuredUntil(), evidenceHash);
    }

    function _requireInFleet(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof) private view {
        MerkleRfc6962.requireInclusion(_fleet.root, _fleet.size, HealthHashes.hash(leaf), index, proof);
    }
}
