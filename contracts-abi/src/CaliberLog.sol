// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ICaliberLog} from "./interfaces/ICaliberLog.sol";
import {MerkleRfc6962} from "./libraries/MerkleRfc6962.sol";

/// @title CaliberLog
/// @notice Anchors checkpoints of transparency logs: per origin the size strictly grows, so that a log shown to a
/// lender can be held against what was anchored, and when.
contract CaliberLog is ICaliberLog, AccessControlDefaultAdminRules {
    struct Anchor {
        bytes32 root;
        uint64 size;
        uint64 anchoredAt;
    }

    /// @notice May anchor checkpoints.
    bytes32 public constant ANCHOR_ROLE = keccak256("ANCHOR_ROLE");

    mapping(bytes32 origin => Anchor) private _anchors;

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
        Anchor storage last = _anchors[origin];
        require(size > last.size, SizeNotGrowing(origin, last.size, size));
        last.root = root;
        last.size = size;
        last.anchoredAt = uint64(block.timestamp);
        emit Anchored(origin, size, root);
    }

    /// @inheritdoc ICaliberLog
    function latest(bytes32 origin) external view returns (uint64 size, bytes32 root, uint64 anchoredAt) {
        Anchor storage last = _anchors[origin];
        return (last.size, last.root, last.anchoredAt);
    }

    /// @inheritdoc ICaliberLog
    function verifyInclusion(bytes32 origin, bytes32 leafHash, uint64 index, bytes32[] calldata proof) external view {
        Anchor storage last = _anchors[origin];
        require(last.size != 0, OriginNotAnchored(origin));
        MerkleRfc6962.requireInclusion(last.root, last.size, leafHash, index, proof);
    }
}
