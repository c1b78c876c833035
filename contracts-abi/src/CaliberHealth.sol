// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {HealthLeaf, ICaliberHealth, Refusal, State} from "./interfaces/ICaliberHealth.sol";
import {MerkleRfc6962} from "./libraries/MerkleRfc6962.sol";

/// @title CaliberHealth
/// @notice Health of tokens as attestors post it. Nothing keeps a state alive but fresh posts: past
/// min(fleetUntil, tokenUntil) every token reads Stale, with no transaction.
/// @dev A token's record only moves up in sequence; at the same sequence only its `validUntil` can grow. So an old
/// good leaf, posted or proven, never beats a newer bad one.
contract CaliberHealth is ICaliberHealth, AccessControlDefaultAdminRules {
    /// @dev Two slots. A sequence of zero means no record.
    struct Record {
        uint64 sequence;
        uint48 since;
        uint48 validUntil;
        uint48 assuredUntil;
        uint16 cause;
        State state;
        bytes32 evidenceHash;
    }

    struct Fleet {
        bytes32 root;
        uint64 epoch;
        uint64 size;
        uint64 until;
        uint64 postedAt;
    }

    /// @notice May post epochs.
    bytes32 public constant ATTESTOR_ROLE = keccak256("ATTESTOR_ROLE");

    Fleet private _fleet;
    mapping(uint256 tokenId => Record) private _records;

    /// @param adminDelay Seconds between the two steps of handing over the admin role.
    /// @param admin First admin.
    /// @param attestor First holder of ATTESTOR_ROLE.
    constructor(uint48 adminDelay, address admin, address attestor) AccessControlDefaultAdminRules(adminDelay, admin) {
        _grantRole(ATTESTOR_ROLE, attestor);
    }

    /// @inheritdoc ICaliberHealth
    function post(
        uint64 epoch,
        bytes32 fleetRoot,
        uint64 fleetSize,
        uint64 fleetUntil,
        HealthLeaf[] calldata transitions
    ) external onlyRole(ATTESTOR_ROLE) {
        require(epoch > _fleet.epoch, EpochNotGrowing(_fleet.epoch, epoch));
        require(fleetRoot != bytes32(0), FleetRootMissing());
        _fleet = Fleet({
            root: fleetRoot, epoch: epoch, size: fleetSize, until: fleetUntil, postedAt: uint64(block.timestamp)
        });
        for (uint256 i = 0; i < transitions.length; ++i) {
            Refusal reason = _apply(transitions[i]);
            if (reason != Refusal.None) {
                emit TransitionRefused(transitions[i].tokenId, transitions[i].sequence, reason);
            }
        }
        emit EpochPosted(epoch, fleetRoot, fleetSize, fleetUntil);
    }

    /// @inheritdoc ICaliberHealth
    function prove(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof) external {
        _requireInFleet(leaf, index, proof);
        Refusal reason = _apply(leaf);
        require(reason == Refusal.None, LeafRefused(leaf.tokenId, leaf.sequence, reason));
    }

    /// @inheritdoc ICaliberHealth
    function healthOf(uint256 tokenId) external view returns (State, uint16, uint64, uint64, uint64, bytes32) {
        return _reading(_records[tokenId]);
    }

    /// @inheritdoc ICaliberHealth
    function healthOfProven(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof)
        external
        view
        returns (State, uint16, uint64, uint64, uint64, bytes32)
    {
        _requireInFleet(leaf, index, proof);
        Record memory recorded = _records[leaf.tokenId];
        Refusal reason = _judge(leaf, recorded);
        if (reason == Refusal.Older || reason == Refusal.Unchanged) return _reading(recorded);
        require(reason == Refusal.None, LeafRefused(leaf.tokenId, leaf.sequence, reason));
        return _reading(_toRecord(leaf));
    }

    /// @inheritdoc ICaliberHealth
    function recordOf(uint256 tokenId) external view returns (HealthLeaf memory) {
        Record memory recorded = _records[tokenId];
        return HealthLeaf({
            tokenId: recorded.sequence == 0 ? 0 : uint64(tokenId),
            sequence: recorded.sequence,
            state: uint8(recorded.state),
            cause: recorded.cause,
            since: recorded.since,
            validUntil: recorded.validUntil,
            assuredUntil: recorded.assuredUntil,
            evidenceHash: recorded.evidenceHash
        });
    }

    /// @inheritdoc ICaliberHealth
    function fleet() external view returns (uint64, bytes32, uint64, uint64, uint64) {
        return (_fleet.epoch, _fleet.root, _fleet.size, _fleet.until, _fleet.postedAt);
    }

    /// @dev Records the leaf if the rule of sequences lets it; says why not otherwise.
    function _apply(HealthLeaf calldata leaf) private returns (Refusal) {
        Record memory recorded = _records[leaf.tokenId];
        Refusal reason = _judge(leaf, recorded);
        if (reason != Refusal.None) return reason;
        _records[leaf.tokenId] = _toRecord(leaf);
        if (leaf.sequence == recorded.sequence) {
            emit HealthExtended(leaf.tokenId, leaf.sequence, leaf.validUntil);
        } else {
            emit HealthChanged(
                leaf.tokenId,
                State(leaf.state),
                leaf.sequence,
                leaf.cause,
                leaf.since,
                leaf.validUntil,
                leaf.evidenceHash
            );
        }
        return Refusal.None;
    }

    /// @dev The rule of sequences: greater applies, equal may only extend, lower never counts.
    function _judge(HealthLeaf calldata leaf, Record memory recorded) private pure returns (Refusal) {
        if (!_isWellFormed(leaf)) return Refusal.Malformed;
        if (leaf.sequence > recorded.sequence) return Refusal.None;
        if (leaf.sequence < recorded.sequence) return Refusal.Older;
        bool same = leaf.state == uint8(recorded.state) && leaf.cause == recorded.cause && leaf.since == recorded.since
            && leaf.assuredUntil == recorded.assuredUntil && leaf.evidenceHash == recorded.evidenceHash;
        if (!same) return Refusal.Conflict;
        return leaf.validUntil > recorded.validUntil ? Refusal.None : Refusal.Unchanged;
    }

    function _isWellFormed(HealthLeaf calldata leaf) private pure returns (bool) {
        return leaf.tokenId != 0 && leaf.sequence != 0 && leaf.state != uint8(State.Unknown)
            && leaf.state <= uint8(type(State).max) && leaf.since <= type(uint48).max
            && leaf.validUntil <= type(uint48).max && leaf.assuredUntil <= type(uint48).max;
    }

    /// @dev Only for a well-formed leaf: the narrowing loses nothing then.
    function _toRecord(HealthLeaf calldata leaf) private pure returns (Record memory) {
        return Record({
            sequence: leaf.sequence,
            since: uint48(leaf.since),
            validUntil: uint48(leaf.validUntil),
            assuredUntil: uint48(leaf.assuredUntil),
            cause: leaf.cause,
            state: State(leaf.state),
            evidenceHash: leaf.evidenceHash
        });
    }

    /// @dev Where a record becomes what counts now. An empty record has validUntil zero and so reads Stale.
    function _reading(Record memory recorded) private view returns (State, uint16, uint64, uint64, uint64, bytes32) {
        uint64 until = recorded.validUntil < _fleet.until ? recorded.validUntil : _fleet.until;
        return (
            block.timestamp > until ? State.Stale : recorded.state,
            recorded.cause,
            recorded.since,
            until,
            recorded.assuredUntil,
            recorded.evidenceHash
        );
    }

    function _requireInFleet(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof) private view {
        bytes32 leafHash = MerkleRfc6962.hashLeaf(abi.encode(leaf));
        MerkleRfc6962.requireInclusion(_fleet.root, _fleet.size, leafHash, index, proof);
    }
}
