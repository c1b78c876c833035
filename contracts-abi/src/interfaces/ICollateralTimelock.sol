// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ICollateralTimelock
/// @notice What the gate asks of USD.AI's CollateralTimelock, from its published signatures.
interface ICollateralTimelock {
    /// @notice Number of the receipt of a deposit: the Keccak of target, context, token and token ids, packed.
    function depositTokenId(address target, bytes32 context, address token, uint256[] calldata tokenIds)
        external
        pure
        returns (uint256 receipt);

    /// @notice A deposit by its receipt; all zero when there is none.
    function depositInfo(uint256 receipt)
        external
        view
        returns (
            address depositor,
            address target,
            bytes32 context,
            address token,
            uint256[] memory tokenIds,
            uint64 expiration
        );
}
