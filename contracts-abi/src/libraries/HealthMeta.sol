// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HealthLeaf, State} from "../interfaces/HealthTypes.sol";

/// @notice A token's recorded health but for its evidence, in one word. From the top: sequence 40, validUntil 40,
/// since 40, assuredUntil 40, cause 16, state 8, bornEpoch 32, epoch 32, flags 8. Zero for no record.
/// @dev epoch: the one that brought the record. bornEpoch: the one that brought its sequence. Packed by hand, because
/// a struct's eight members would be masked in and out one by one, for each of a post's items.
type Meta is uint256;

using HealthMeta for Meta global;

/// @title HealthMeta
library HealthMeta {
    /// @dev since, assuredUntil, cause and state: all that one sequence cannot change.
    uint256 private constant FIXED = ((1 << 104) - 1) << 72;

    /// @notice Reads a leaf, without epochs and evidence. None for a malformed one.
    /// @dev Word by word and not member by member: Solidity would mask and check each on each read, and revert at a
    /// word that does not fit its type, so that one bad item could block its batch. Here that is malformed too.
    function read(HealthLeaf calldata leaf) internal pure returns (Meta meta) {
        uint256 most = uint256(type(State).max);
        assembly ("memory-safe") {
            let sequence_ := calldataload(add(leaf, 0x20))
            let state_ := calldataload(add(leaf, 0x40))
            let cause_ := calldataload(add(leaf, 0x60))
            let since_ := calldataload(add(leaf, 0x80))
            let validUntil_ := calldataload(add(leaf, 0xa0))
            let assuredUntil_ := calldataload(add(leaf, 0xc0))
            let tooLong :=
                or(
                    or(shr(40, or(or(sequence_, since_), or(validUntil_, assuredUntil_))), shr(16, cause_)),
                    shr(64, calldataload(leaf))
                )
            let isMissing := or(or(iszero(calldataload(leaf)), iszero(sequence_)), iszero(state_))
            if iszero(or(or(tooLong, isMissing), gt(state_, most))) {
                meta := or(
                    or(or(shl(216, sequence_), shl(176, validUntil_)), or(shl(136, since_), shl(96, assuredUntil_))),
                    or(shl(80, cause_), shl(72, state_))
                )
            }
        }
    }

    /// @notice The token of a leaf, which may be malformed.
    function tokenOf(HealthLeaf calldata leaf) internal pure returns (uint256 tokenId) {
        assembly ("memory-safe") {
            tokenId := calldataload(leaf)
        }
    }

    function withEpochs(Meta meta, uint32 bornEpoch_, uint32 epoch_) internal pure returns (Meta) {
        return Meta.wrap(Meta.unwrap(meta) | (uint256(bornEpoch_) << 40) | (uint256(epoch_) << 8));
    }

    /// @notice Says, in the first place, that the second is in use.
    function withSecond(Meta meta, bool isUsed) internal pure returns (Meta) {
        return Meta.wrap(isUsed ? Meta.unwrap(meta) | 1 : Meta.unwrap(meta) & ~uint256(1));
    }

    function hasSecond(Meta meta) internal pure returns (bool) {
        return Meta.unwrap(meta) & 1 == 1;
    }

    function isNone(Meta meta) internal pure returns (bool) {
        return Meta.unwrap(meta) == 0;
    }

    /// @dev By sequence, then by validUntil.
    function isAhead(Meta meta, Meta other) internal pure returns (bool) {
        return Meta.unwrap(meta) >> 176 >= Meta.unwrap(other) >> 176;
    }

    function isFixedAs(Meta meta, Meta other) internal pure returns (bool) {
        return (Meta.unwrap(meta) ^ Meta.unwrap(other)) & FIXED == 0;
    }

    function sequence(Meta meta) internal pure returns (uint40) {
        return uint40(Meta.unwrap(meta) >> 216);
    }

    function validUntil(Meta meta) internal pure returns (uint40) {
        return uint40(Meta.unwrap(meta) >> 176);
    }

    function since(Meta meta) internal pure returns (uint40) {
        return uint40(Meta.unwrap(meta) >> 136);
    }

    function assuredUntil(Meta meta) internal pure returns (uint40) {
        return uint40(Meta.unwrap(meta) >> 96);
    }

    function cause(Meta meta) internal pure returns (uint16) {
        return uint16(Meta.unwrap(meta) >> 80);
    }

    function state(Meta meta) internal pure returns (State) {
        return State(uint8(Meta.unwrap(meta) >> 72));
    }

    function bornEpoch(Meta meta) internal pure returns (uint32) {
        return uint32(Meta.unwrap(meta) >> 40);
    }

    function epoch(Meta meta) internal pure returns (uint32) {
        return uint32(Meta.unwrap(meta) >> 8);
    }
}
