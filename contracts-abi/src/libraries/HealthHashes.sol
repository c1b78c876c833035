// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EpochPost, HealthLeaf} from "../interfaces/HealthTypes.sol";

/// @title HealthHashes
/// @notice Hashes of what is posted, straight from calldata: copying fifty leaves through memory, member by member,
/// would cost more than recording one.
/// @dev An item's words are hashed as they came. Reading a member later makes sure that it fits its type.
library HealthHashes {
    bytes32 internal constant EPOCH_TYPE_HASH = keccak256(
        "EpochPost(uint32 epoch,bytes32 fleetRoot,uint64 fleetSize,uint64 fleetUntil,uint64 livenessUntil,bytes32[] chunks)"
    );
    uint256 private constant LEAF_BYTES = 256;

    /// @notice EIP-712 struct hash of an epoch.
    function hash(EpochPost calldata epoch) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                EPOCH_TYPE_HASH,
                epoch.epoch,
                epoch.fleetRoot,
                epoch.fleetSize,
                epoch.fleetUntil,
                epoch.livenessUntil,
                keccak256(abi.encodePacked(epoch.chunks))
            )
        );
    }

    /// @notice Hash of a chunk.
    function hashChunk(HealthLeaf[] calldata transitions, uint256[] calldata liveness) internal pure returns (bytes32) {
        bytes calldata leaves;
        bytes calldata words;
        assembly ("memory-safe") {
            // Both are arrays of static items, so their calldata is the items' words one after the other.
            leaves.offset := transitions.offset
            leaves.length := mul(transitions.length, LEAF_BYTES)
            words.offset := liveness.offset
            words.length := mul(liveness.length, 32)
        }
        return keccak256(abi.encode(keccak256(leaves), keccak256(words)));
    }

    /// @notice RFC 6962 hash of a leaf: SHA-256(0x00 ‖ its 256 bytes).
    /// @dev By hand, because `bytes.concat` and `sha256` would copy the leaf twice. Bytes are laid out past the free memory
    /// and left there. 0x02 is the SHA-256 precompile, which fails only for want of gas.
    function hash(HealthLeaf calldata leaf) internal view returns (bytes32 leafHash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0)
            calldatacopy(add(free, 1), leaf, LEAF_BYTES)
            if iszero(staticcall(gas(), 2, free, add(LEAF_BYTES, 1), 0, 0x20)) { revert(0, 0) }
            leafHash := mload(0)
        }
    }
}
