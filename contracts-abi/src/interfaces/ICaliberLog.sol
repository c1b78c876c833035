// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ICaliberLog
/// @notice Checkpoints of transparency logs, kept where the log's operator cannot take them back.
interface ICaliberLog {
    /// @notice A checkpoint was anchored.
    event Anchored(bytes32 indexed origin, uint64 indexed size, bytes32 root);

    /// @notice The origin is zero.
    error OriginMissing();
    /// @notice The root is zero.
    error RootMissing();
    /// @notice An origin's size strictly grows.
    error SizeNotGrowing(bytes32 origin, uint64 latest, uint64 given);
    /// @notice Nothing was ever anchored for the origin.
    error OriginNotAnchored(bytes32 origin);

    /// @notice Anchors a checkpoint. Needs ANCHOR_ROLE.
    /// @param origin SHA-256 of the log's origin line (without its line feed).
    /// @param size Number of entries; greater than the last one anchored.
    /// @param root RFC 6962 SHA-256 tree head.
    function anchor(bytes32 origin, uint64 size, bytes32 root) external;

    /// @notice The last checkpoint anchored for an origin; all zero when there is none.
    function latest(bytes32 origin) external view returns (uint64 size, bytes32 root, uint64 anchoredAt);

    /// @notice Returns if the leaf is in the origin's last anchored tree and reverts otherwise.
    /// @param origin The log.
    /// @param leafHash RFC 6962 leaf hash, SHA-256(0x00 ‖ entry).
    /// @param index Index of the entry, from 0.
    /// @param proof RFC 6962 audit path, from the leaf up.
    function verifyInclusion(bytes32 origin, bytes32 leafHash, uint64 index, bytes32[] calldata proof) external view;
}
