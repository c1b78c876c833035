// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-7572 Contract-level metadata
interface IERC7572 {
    /// @notice Metadata of the collection.
    /// @return uri A URI to JSON in the ERC-7572 schema.
    function contractURI() external view returns (string memory uri);
}
