// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ICaliberLog} from "./interfaces/ICaliberLog.sol";
import {DeviceKey} from "./libraries/DeviceKey.sol";
import {MerkleRfc6962} from "./libraries/MerkleRfc6962.sol";
import {ReportEntry} from "./libraries/ReportEntry.sol";

/// @title CaliberLog
/// @notice Anchors checkpoints of transparency logs: per origin the size strictly grows, so that a log shown to a
/// lender can be held against what was anchored, and when.
/// @dev Each anchored root is kept. A registry that anchors a rewritten log later does not take back what it anchored
/// before, and a dispute can rest on the older root. Nothing can be paused or removed here.
contract CaliberLog is ICaliberLog, AccessControlDefaultAdminRules {
    struct Latest {
        uint64 size;
        uint64 anchoredAt;
    }

    /// @notice May anchor checkpoints.
    bytes32 public constant ANCHOR_ROLE = keccak256("ANCHOR_ROLE");

    mapping(bytes32 origin => Latest) private _latest;
    mapping(bytes32 origin => mapping(uint64 size => bytes32)) private _roots;

    /// @param adminDelay Seconds between the two steps of handing over the admin role.
    /// @param admin First admin.
    /// @param anchorer First holder of ANCHOR_ROLE.
    constructor(uint48 adminDelay, address admin, address anchorer) AccessControlDefaultAdminRules(adminDelay, admin) {
        _grantRole(ANCHOR_ROLE, anchorer);
    }

    /// @inheritdoc ICaliberLog
    function anchor(bytes32 origin, uint64 size, bytes32 root) external onlyRole(ANCHOR_ROLE) {
        require(origin != bytes32(0), OriginMissing());
        require(root != bytes32(0), RootMissing());
        uint64 last = _latest[origin].size;
        require(size > last, SizeNotGrowing(origin, last, size));
        _latest[origin] = Latest({size: size, anchoredAt: uint64(block.timestamp)});
        _roots[origin][size] = root;
        emit Anchored(origin, size, root);
    }

    /// @inheritdoc ICaliberLog
    function latest(bytes32 origin) external view returns (uint64 size, bytes32 root, uint64 anchoredAt) {
        Latest memory last = _latest[origin];
        return (last.size, _roots[origin][last.size], last.anchoredAt);
    }

    /// @inheritdoc ICaliberLog
    function rootAt(bytes32 origin, uint64 size) external view returns (bytes32 root) {
        return _roots[origin][size];
    }

    /// @inheritdoc ICaliberLog
    function verifyInclusion(bytes32 origin, bytes32 leafHash, uint64 index, bytes32[] calldata proof) external view {
        uint64 size = _latest[origin].size;
        require(size != 0, OriginNotAnchored(origin));
        MerkleRfc6962.requireInclusion(_roots[origin][size], size, leafHash, index, proof);
    }

    /// @inheritdoc ICaliberLog
    function verifyInclusionAt(bytes32 origin, uint64 size, bytes32 leafHash, uint64 index, bytes32[] calldata proof)
        public
        view
    {
        bytes32 root = _roots[origin][size];
        require(root != bytes32(0), SizeNotAnchored(origin, size));
        MerkleRfc6962.requireInclusion(root, size, leafHash, index, proof);
    }

    /// @inheritdoc ICaliberLog
    function proveReport(
        bytes32 origin,
        uint64 size,
        uint64 index,
        bytes32[] calldata proof,
        bytes calldata entry,
        bytes32 qx,
        bytes32 qy
    ) external view returns (bytes32 deviceKeyHash, bytes32 statement) {
        require(ReportEntry.isReport(entry), EntryNotAReport());
        bytes32 leafHash;
        (leafHash, statement) = ReportEntry.hashes(entry);
        verifyInclusionAt(origin, size, leafHash, index, proof);
        bytes32 r;
        bytes32 s;
        (deviceKeyHash, r, s) = ReportEntry.claims(entry);
        DeviceKey.requireSigned(deviceKeyHash, statement, qx, qy, r, s);
    }
}
