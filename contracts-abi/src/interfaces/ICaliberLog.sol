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
    /// @notice No checkpoint of that size was ever anchored for the origin.
    error SizeNotAnchored(bytes32 origin, uint64 size);
    /// @notice The entry is not that of a report.
    error EntryNotAReport();

    /// @notice Anchors a checkpoint. Needs ANCHOR_ROLE.
    /// @param origin SHA-256 of the log's origin line (without its line feed).
    /// @param size Number of entries; greater than the last one anchored.
    /// @param root RFC 6962 SHA-256 tree head.
    function anchor(bytes32 origin, uint64 size, bytes32 root) external;

    /// @notice The last checkpoint anchored for an origin; all zero when there is none.
    function latest(bytes32 origin) external view returns (uint64 size, bytes32 root, uint64 anchoredAt);

    /// @notice The root anchored for an origin at a size, zero if none was.
    function rootAt(bytes32 origin, uint64 size) external view returns (bytes32 root);

    /// @notice Returns if the leaf is in the origin's last anchored tree and reverts otherwise.
    /// @param origin The log.
    /// @param leafHash RFC 6962 leaf hash, SHA-256(0x00 ‖ entry).
    /// @param index Index of the entry, from 0.
    /// @param proof RFC 6962 audit path, from the leaf up.
    function verifyInclusion(bytes32 origin, bytes32 leafHash, uint64 index, bytes32[] calldata proof) external view;

    /// @notice Returns if the leaf is in the tree that was anchored at `size`, latest or not, and reverts otherwise.
    function verifyInclusionAt(bytes32 origin, uint64 size, bytes32 leafHash, uint64 index, bytes32[] calldata proof)
        external
        view;

    /// @notice For a dispute: returns what device signed which report if the report's entry is in an anchored tree
    /// and the device's signature holds, and reverts otherwise. What the report says is `entry[98:]`.
    /// @param origin The log.
    /// @param size An anchored size.
    /// @param index Index of the entry, from 0.
    /// @param proof RFC 6962 audit path, from the leaf up.
    /// @param entry The log's entry: `0x01 ‖ 0x01 ‖ device id (32) ‖ r ‖ s ‖ PAE`.
    /// @param qx The device's public key, x.
    /// @param qy The device's public key, y.
    /// @return deviceKeyHash The device: SHA-256 of its key's SPKI.
    /// @return statement SHA-256 of the PAE: the report's name.
    function proveReport(
        bytes32 origin,
        uint64 size,
        uint64 index,
        bytes32[] calldata proof,
        bytes calldata entry,
        bytes32 qx,
        bytes32 qy
    ) external view returns (bytes32 deviceKeyHash, bytes32 statement);
}
