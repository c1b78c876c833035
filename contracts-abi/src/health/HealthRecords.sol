// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HealthLeaf, Refusal, State} from "../interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../interfaces/ICaliberHealth.sol";

/// @title HealthRecords
/// @notice Two records a token, so that what a chunk brings can lie beside what counts until its epoch is complete.
/// @dev What counts is the record of a complete epoch with the greatest sequence; of two with the same, the one
/// valid longer. A new record goes where the one that counts is not.
abstract contract HealthRecords is ICaliberHealth {
    /// @dev One slot. epoch: the one that brought the record. bornEpoch: the one that brought its sequence; liveness
    /// of an earlier one says nothing about it.
    struct Meta {
        uint40 sequence;
        uint40 since;
        uint40 validUntil;
        uint40 assuredUntil;
        uint16 cause;
        State state;
        uint32 epoch;
        uint32 bornEpoch;
    }

    struct Record {
        Meta meta;
        bytes32 evidenceHash;
    }

    mapping(uint256 tokenId => Record[2]) private _records;

    /// @dev Whether all of an epoch is on chain.
    function _isComplete(uint32 epoch) internal view virtual returns (bool);

    /// @inheritdoc ICaliberHealth
    function recordOf(uint256 tokenId) external view returns (HealthLeaf memory) {
        (Meta memory meta, uint256 place) = _counting(tokenId);
        return HealthLeaf({
            tokenId: meta.sequence == 0 ? 0 : uint64(tokenId),
            sequence: meta.sequence,
            state: uint8(meta.state),
            cause: meta.cause,
            since: meta.since,
            validUntil: meta.validUntil,
            assuredUntil: meta.assuredUntil,
            evidenceHash: _evidenceAt(tokenId, meta, place)
        });
    }

    /// @dev What counts of a token and where it is; sequence zero for nothing, with the place to put a first record.
    function _counting(uint256 tokenId) internal view returns (Meta memory meta, uint256 place) {
        Meta memory first = _records[tokenId][0].meta;
        Meta memory second = _records[tokenId][1].meta;
        bool firstCounts = first.sequence != 0 && _isComplete(first.epoch);
        bool secondCounts = second.sequence != 0 && _isComplete(second.epoch);
        if (firstCounts && (!secondCounts || _isAhead(first, second))) return (first, 0);
        if (secondCounts) return (second, 1);
        // What waits for its epoch to be complete is always in the first place then.
        return (meta, first.sequence == 0 ? 0 : 1);
    }

    function _evidenceAt(uint256 tokenId, Meta memory meta, uint256 place) internal view returns (bytes32) {
        return meta.sequence == 0 ? bytes32(0) : _records[tokenId][place].evidenceHash;
    }

    /// @dev Takes a leaf of an epoch that is not complete yet beside what counts.
    function _stage(HealthLeaf calldata leaf, uint32 epoch) internal returns (Refusal) {
        (Meta memory against, uint256 place) = _counting(leaf.tokenId);
        uint256 target = against.sequence == 0 ? 0 : 1 - place;
        Meta memory waiting = _records[leaf.tokenId][target].meta;
        // An earlier item of the same epoch, unless a proof has overtaken it since.
        if (waiting.sequence != 0 && waiting.epoch == epoch && _isAhead(waiting, against)) {
            (against, place) = (waiting, target);
        }
        return _apply(leaf, against, place, target, epoch);
    }

    /// @dev Takes a leaf of the epoch that counts, in place: what waits beside it stays.
    function _applyNow(HealthLeaf calldata leaf, uint32 epoch) internal returns (Refusal) {
        (Meta memory against, uint256 place) = _counting(leaf.tokenId);
        return _apply(leaf, against, place, place, epoch);
    }

    /// @dev The rule of sequences: greater applies, equal may only extend, lower never counts.
    function _judge(HealthLeaf calldata leaf, Meta memory against, uint256 place) internal view returns (Refusal) {
        if (!_isWellFormed(leaf)) return Refusal.Malformed;
        if (leaf.sequence > against.sequence) return Refusal.None;
        if (leaf.sequence < against.sequence) return Refusal.Older;
        bool same = leaf.state == uint8(against.state) && leaf.cause == against.cause && leaf.since == against.since
            && leaf.assuredUntil == against.assuredUntil
            && leaf.evidenceHash == _records[leaf.tokenId][place].evidenceHash;
        if (!same) return Refusal.Conflict;
        return leaf.validUntil > against.validUntil ? Refusal.None : Refusal.Unchanged;
    }

    /// @dev Only for a leaf that was judged: the narrowing loses nothing then.
    function _toMeta(HealthLeaf calldata leaf, Meta memory against, uint32 epoch) internal pure returns (Meta memory) {
        return Meta({
            sequence: uint40(leaf.sequence),
            since: uint40(leaf.since),
            validUntil: uint40(leaf.validUntil),
            assuredUntil: uint40(leaf.assuredUntil),
            cause: leaf.cause,
            state: State(leaf.state),
            epoch: epoch,
            bornEpoch: leaf.sequence == against.sequence ? against.bornEpoch : epoch
        });
    }

    function _apply(HealthLeaf calldata leaf, Meta memory against, uint256 place, uint256 target, uint32 epoch)
        private
        returns (Refusal reason)
    {
        reason = _judge(leaf, against, place);
        if (reason != Refusal.None) return reason;
        Record storage record = _records[leaf.tokenId][target];
        record.meta = _toMeta(leaf, against, epoch);
        if (leaf.sequence == against.sequence) {
            if (target != place) record.evidenceHash = leaf.evidenceHash;
            emit HealthExtended(leaf.tokenId, epoch, leaf.sequence, leaf.validUntil);
            return reason;
        }
        record.evidenceHash = leaf.evidenceHash;
        emit HealthChanged(
            leaf.tokenId,
            State(leaf.state),
            epoch,
            leaf.sequence,
            leaf.cause,
            leaf.since,
            leaf.validUntil,
            leaf.evidenceHash
        );
    }

    function _isAhead(Meta memory one, Meta memory other) private pure returns (bool) {
        return one.sequence > other.sequence || (one.sequence == other.sequence && one.validUntil >= other.validUntil);
    }

    function _isWellFormed(HealthLeaf calldata leaf) private pure returns (bool) {
        return leaf.tokenId != 0 && leaf.sequence != 0 && leaf.sequence <= type(uint40).max
            && leaf.state != uint8(State.Unknown) && leaf.state <= uint8(type(State).max)
            && leaf.since <= type(uint40).max && leaf.validUntil <= type(uint40).max
            && leaf.assuredUntil <= type(uint40).max;
    }
}
