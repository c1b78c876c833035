// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-5646 Token State Fingerprint
/// @dev ERC-165 identifier 0xf5112315.
interface IERC5646 {
    /// @notice One value that stands for the token's present mutable state.
    /// @param tokenId The token.
    /// @return fingerprint Changes if and only if the state does.
    function getStateFingerprint(uint256 tokenId) external view returns (bytes32 fingerprint);
}
