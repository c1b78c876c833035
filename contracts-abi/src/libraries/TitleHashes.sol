// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MintAuthorization, Replacement, Rotation} from "../interfaces/TitleTypes.sol";

/// @title TitleHashes
/// @notice EIP-712 struct hashes of what is signed about titles: keccak256(typeHash ‖ members). All members are
/// static, so `abi.encode` of a struct is its encodeData.
library TitleHashes {
    bytes32 internal constant MINT_TYPE_HASH = keccak256(
        "MintAuthorization(address recipient,bytes32 deviceKeyHash,bytes32 strongIdentity,bytes32 weakIdentity,bytes32 evidence,bytes32 logOrigin,bytes32 headerHash,uint8 assurance,uint256 predecessor,uint64 nonce,uint64 deadline)"
    );
    bytes32 internal constant ROTATION_TYPE_HASH = keccak256(
        "Rotation(uint256 tokenId,bytes32 oldKeyHash,bytes32 newKeyHash,bytes32 evidence,uint8 assurance,uint64 nonce,uint64 deadline)"
    );
    bytes32 internal constant REPLACEMENT_TYPE_HASH = keccak256(
        "Replacement(uint256 tokenId,bytes32 fingerprint,bytes32 deviceKeyHash,bytes32 strongIdentity,bytes32 weakIdentity,bytes32 evidence,bytes32 logOrigin,bytes32 headerHash,uint8 assurance,uint256 predecessor,uint64 nonce,uint64 deadline)"
    );

    function hash(MintAuthorization calldata authorization) internal pure returns (bytes32) {
        return keccak256(abi.encode(MINT_TYPE_HASH, authorization));
    }

    function hash(Rotation calldata rotation) internal pure returns (bytes32) {
        return keccak256(abi.encode(ROTATION_TYPE_HASH, rotation));
    }

    function hash(Replacement calldata replacement) internal pure returns (bytes32) {
        return keccak256(abi.encode(REPLACEMENT_TYPE_HASH, replacement));
    }
}
