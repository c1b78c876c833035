// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MintAuthorization} from "../interfaces/ICaliberToken.sol";

/// @title MintAuthorizationHash
/// @notice EIP-712 struct hash of a mint authorization.
library MintAuthorizationHash {
    bytes32 internal constant TYPE_HASH = keccak256(
        "MintAuthorization(address recipient,bytes32 deviceKeyHash,bytes32 strongIdentity,bytes32 weakIdentity,bytes32 evidence,bytes32 logOrigin,bytes32 headerHash,uint8 assurance,uint256 predecessor,uint64 nonce,uint64 deadline)"
    );

    /// @notice keccak256(typeHash ‖ members). All members are static, so `abi.encode` of the struct is their encodeData.
    function hash(MintAuthorization calldata authorization) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPE_HASH, authorization));
    }
}
