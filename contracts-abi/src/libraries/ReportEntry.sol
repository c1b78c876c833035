// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ReportEntry
/// @notice A report's entry in the log: `kind ‖ version ‖ device id (32) ‖ signature (64) ‖ PAE`, kind and version 1.
library ReportEntry {
    uint256 private constant KIND_AND_VERSION = 0x0101;
    uint256 private constant PAE_OFFSET = 98;

    function isReport(bytes calldata entry) internal pure returns (bool is_) {
        assembly ("memory-safe") {
            is_ := and(gt(entry.length, PAE_OFFSET), eq(shr(240, calldataload(entry.offset)), KIND_AND_VERSION))
        }
    }

    /// @notice The entry's RFC 6962 leaf hash, SHA-256(0x00 ‖ entry), and its statement, SHA-256(PAE). For a report only.
    /// @dev One copy of some two kilobytes, hashed twice in place. 0x02 is the SHA-256 precompile, which fails only for
    /// want of gas.
    function hashes(bytes calldata entry) internal view returns (bytes32 leafHash, bytes32 statement) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0)
            calldatacopy(add(free, 1), entry.offset, entry.length)
            let ok := staticcall(gas(), 2, free, add(entry.length, 1), 0x00, 0x20)
            ok := and(
                ok,
                staticcall(gas(), 2, add(free, add(PAE_OFFSET, 1)), sub(entry.length, PAE_OFFSET), 0x20, 0x20)
            )
            if iszero(ok) { revert(0, 0) }
            leafHash := mload(0x00)
            statement := mload(0x20)
        }
    }

    /// @notice Device and signature. For a report only: its length has been checked.
    function claims(bytes calldata entry) internal pure returns (bytes32 device, bytes32 r, bytes32 s) {
        assembly ("memory-safe") {
            device := calldataload(add(entry.offset, 2))
            r := calldataload(add(entry.offset, 34))
            s := calldataload(add(entry.offset, 66))
        }
    }
}
