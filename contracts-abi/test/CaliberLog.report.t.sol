// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {CaliberLog} from "../src/CaliberLog.sol";
import {ICaliberLog} from "../src/interfaces/ICaliberLog.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {DeviceProof} from "../src/interfaces/TitleTypes.sol";
import {MerkleRfc6962} from "../src/libraries/MerkleRfc6962.sol";
import {Devices} from "./support/Devices.sol";
import {Tree} from "./support/Tree.sol";

/// @notice A report from the log, held up in a dispute.
contract CaliberLogReportTest is Devices {
    bytes32 private constant ORIGIN = keccak256("origin");
    bytes private constant PAE = "DSSEv1 38 application/vnd.caliber.report.v1+json 9 {\"seq\":7}";

    CaliberLog private log;
    DeviceProof private key;
    bytes private entry;
    bytes32[] private leaves;

    function setUp() public {
        log = new CaliberLog(1 days, ADMIN, REGISTRAR);
        key = proofOf(1, PAE);
        entry = entryOf(1, key, PAE);
        for (uint256 i = 0; i < 7; ++i) {
            leaves.push(i == 4 ? MerkleRfc6962.hashLeaf(entry) : keccak256(abi.encode(i)));
        }
        anchor(7, Tree.root(leaves));
    }

    function entryOf(uint256 device, DeviceProof memory signature, bytes memory pae)
        private
        view
        returns (bytes memory)
    {
        return abi.encodePacked(hex"0101", keyHashOf(device), signature.r, signature.s, pae);
    }

    function anchor(uint64 size, bytes32 root) private {
        vm.prank(REGISTRAR);
        log.anchor(ORIGIN, size, root);
    }

    function prove(bytes memory bytes_) private view returns (bytes32, bytes32) {
        return log.proveReport(ORIGIN, 7, 4, Tree.path(leaves, 4), bytes_, key.qx, key.qy);
    }

    /// @dev Puts the entry in the log in the other's place.
    function log_(bytes memory bytes_) private {
        leaves[4] = MerkleRfc6962.hashLeaf(bytes_);
        log = new CaliberLog(1 days, ADMIN, REGISTRAR);
        anchor(7, Tree.root(leaves));
    }

    function test_saysWhoSignedWhat() public view {
        (bytes32 device, bytes32 statement) = prove(entry);
        vm.assertEq(device, keyHashOf(1));
        vm.assertEq(statement, sha256(PAE));
    }

    function test_anOlderAnchorStillProves() public {
        anchor(900, keccak256("a rewritten log"));
        (, bytes32 statement) = prove(entry);
        vm.assertEq(statement, sha256(PAE));
        vm.assertEq(log.rootAt(ORIGIN, 7), Tree.root(leaves));
    }

    function expectRefused(bytes memory bytes_, bytes memory reason) private {
        bytes32[] memory path = Tree.path(leaves, 4);
        vm.expectRevert(reason);
        log.proveReport(ORIGIN, 7, 4, path, bytes_, key.qx, key.qy);
    }

    function test_refusesWhatTheDeviceDidNotSign() public {
        bytes memory other = entryOf(1, key, "DSSEv1 another report");
        log_(other);
        expectRefused(other, abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
        other = entryOf(2, key, PAE);
        log_(other);
        expectRefused(
            other, abi.encodeWithSelector(ICaliberToken.DeviceKeyMismatch.selector, keyHashOf(1), keyHashOf(2))
        );
        DeviceProof memory high = key;
        high.s = bytes32(P256.N - uint256(key.s));
        other = entryOf(1, high, PAE);
        log_(other);
        expectRefused(other, abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
    }

    function test_refusesWhatIsNotInTheLog() public {
        bytes memory other = entryOf(1, proofOf(1, "unlogged"), "unlogged");
        bytes32[] memory path = Tree.path(leaves, 4);
        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        log.proveReport(ORIGIN, 7, 4, path, other, key.qx, key.qy);
        vm.expectRevert(abi.encodeWithSelector(ICaliberLog.SizeNotAnchored.selector, ORIGIN, 6));
        log.proveReport(ORIGIN, 6, 4, path, entry, key.qx, key.qy);
    }

    /// @dev An entry of another kind that happens to hold a signature.
    function test_refusesOtherEntries() public {
        bytes memory other = entry;
        other[0] = 0x02;
        expectRefused(other, abi.encodeWithSelector(ICaliberLog.EntryNotAReport.selector));
        other[0] = 0x01;
        other[1] = 0x02;
        expectRefused(other, abi.encodeWithSelector(ICaliberLog.EntryNotAReport.selector));
        expectRefused(new bytes(98), abi.encodeWithSelector(ICaliberLog.EntryNotAReport.selector));
        expectRefused("", abi.encodeWithSelector(ICaliberLog.EntryNotAReport.selector));
    }
}
