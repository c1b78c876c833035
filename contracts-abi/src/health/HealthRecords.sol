// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HealthLeaf, Refusal} from "../interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../interfaces/ICaliberHealth.sol";
import {HealthMeta, Meta} from "../libraries/HealthMeta.sol";

/// @title HealthRecords
/// @notice Two places for a record a token, so that what a chunk brings can lie beside what counts until its epoch is
/// complete.
/// @dev What counts is the record of a complete epoch with the greatest sequence; of two with the same, the one
/// valid longer. Posts in one piece and proofs write over what counts; chunks write where it is not. The first place
/// says whether the second is in use: for most tokens it never is, and is not read.
abstract contract HealthRecords is ICaliberHealth {
    struct Records {
        Meta[2] metas;
        bytes32[2] evidence;
    }

    /// @dev The first place as it is, what an item is judged against, and where that is.
    struct Standing {
        Meta first;
        Meta meta;
        uint256 place;
    }

    mapping(uint256 tokenId => Records) private _records;

    /// @dev Whether all of an epoch is on chain.
    function _isComplete(uint32 epoch) internal view virtual returns (bool);

    /// @inheritdoc ICaliberHealth
    function recordOf(uint256 tokenId) external view returns (HealthLeaf memory) {
        Records storage records = _records[tokenId];
        Standing memory standing = _counting(records);
        Meta meta = standing.meta;
        return HealthLeaf({
            tokenId: meta.isNone() ? 0 : uint64(tokenId),
            sequence: meta.sequence(),
            state: uint8(meta.state()),
            cause: meta.cause(),
            since: meta.since(),
            validUntil: meta.validUntil(),
            assuredUntil: meta.assuredUntil(),
            evidenceHash: meta.isNone() ? bytes32(0) : records.evidence[standing.place]
        });
    }

    /// @dev What counts of a token; none and zero where nothing does.
    function _recorded(uint256 tokenId) internal view returns (Meta meta, bytes32 evidenceHash) {
        Records storage records = _records[tokenId];
        Standing memory standing = _counting(records);
        return (standing.meta, standing.meta.isNone() ? bytes32(0) : records.evidence[standing.place]);
    }

    /// @dev What would count after a proof of the leaf under the epoch that counts.
    function _afterProof(HealthLeaf calldata leaf, uint32 epoch)
        internal
        view
        returns (Meta meta, bytes32 evidenceHash)
    {
        Records storage records = _records[HealthMeta.tokenOf(leaf)];
        Standing memory standing = _counting(records);
        Refusal reason;
        (reason, meta) = _judge(leaf, records, standing, epoch);
        if (reason == Refusal.None) return (meta, leaf.evidenceHash);
        bool stands = reason == Refusal.Older || reason == Refusal.Unchanged;
        require(stands, LeafRefused(leaf.tokenId, leaf.sequence, reason));
        return (standing.meta, records.evidence[standing.place]);
    }

    /// @dev Takes a leaf of an epoch that is not complete yet beside what counts.
    function _stage(HealthLeaf calldata leaf, uint32 epoch) internal returns (Refusal) {
        Records storage records = _records[HealthMeta.tokenOf(leaf)];
        Standing memory against = _counting(records);
        uint256 target = against.meta.isNone() ? 0 : 1 - against.place;
        if (target == 0 || against.first.hasSecond()) {
            Meta waiting = target == 0 ? against.first : records.metas[1];
            // An earlier item of the same epoch, unless a proof has overtaken it since.
            if (waiting.epoch() == epoch && waiting.isAhead(against.meta)) {
                (against.meta, against.place) = (waiting, target);
            }
        }
        return _apply(leaf, records, against, target, target == 1 || against.first.hasSecond(), epoch);
    }

    /// @dev Takes a leaf of the epoch that counts. What waits for an epoch to be complete is left alone.
    function _applyNow(HealthLeaf calldata leaf, uint32 epoch) internal returns (Refusal) {
        Records storage records = _records[HealthMeta.tokenOf(leaf)];
        Standing memory against = _counting(records);
        bool firstWaits = !against.first.isNone() && against.first.epoch() > epoch;
        if (firstWaits) return _apply(leaf, records, against, 1, true, epoch);
        bool secondWaits = against.first.hasSecond() && records.metas[1].epoch() > epoch;
        return _apply(leaf, records, against, 0, secondWaits, epoch);
    }

    /// @dev With no meta where nothing counts.
    function _counting(Records storage records) private view returns (Standing memory standing) {
        Meta first = records.metas[0];
        standing.first = first;
        if (!first.isNone() && _isComplete(first.epoch())) standing.meta = first;
        if (!first.hasSecond()) return standing;
        Meta second = records.metas[1];
        if (second.isNone() || !_isComplete(second.epoch())) return standing;
        if (standing.meta.isNone() || !first.isAhead(second)) (standing.meta, standing.place) = (second, 1);
    }

    /// @dev The rule of sequences: greater applies, equal may only extend, lower never counts.
    function _judge(HealthLeaf calldata leaf, Records storage records, Standing memory against, uint32 epoch)
        private
        view
        returns (Refusal, Meta meta)
    {
        meta = HealthMeta.read(leaf);
        if (meta.isNone()) return (Refusal.Malformed, meta);
        uint40 recorded = against.meta.sequence();
        if (meta.sequence() > recorded) return (Refusal.None, meta.withEpochs(epoch, epoch));
        if (meta.sequence() < recorded) return (Refusal.Older, meta);
        bool isSame = meta.isFixedAs(against.meta) && leaf.evidenceHash == records.evidence[against.place];
        if (!isSame) return (Refusal.Conflict, meta);
        if (meta.validUntil() <= against.meta.validUntil()) return (Refusal.Unchanged, meta);
        return (Refusal.None, meta.withEpochs(against.meta.bornEpoch(), epoch));
    }

    function _apply(
        HealthLeaf calldata leaf,
        Records storage records,
        Standing memory against,
        uint256 target,
        bool hasSecond,
        uint32 epoch
    ) private returns (Refusal) {
        (Refusal reason, Meta meta) = _judge(leaf, records, against, epoch);
        if (reason != Refusal.None) return reason;
        if (target == 0) {
            records.metas[0] = meta.withSecond(hasSecond);
        } else {
            if (!against.first.hasSecond()) records.metas[0] = against.first.withSecond(true);
            records.metas[1] = meta;
        }
        uint256 tokenId = HealthMeta.tokenOf(leaf);
        if (meta.sequence() == against.meta.sequence()) {
            if (target != against.place) records.evidence[target] = leaf.evidenceHash;
            emit HealthExtended(tokenId, epoch, meta.sequence(), meta.validUntil());
        } else {
            records.evidence[target] = leaf.evidenceHash;
            _tellChange(tokenId, meta, leaf.evidenceHash);
        }
        return Refusal.None;
    }

    function _tellChange(uint256 tokenId, Meta meta, bytes32 evidenceHash) private {
        emit HealthChanged(
            tokenId,
            meta.state(),
            meta.epoch(),
            meta.sequence(),
            meta.cause(),
            meta.since(),
            meta.validUntil(),
            evidenceHash
        );
    }
}
