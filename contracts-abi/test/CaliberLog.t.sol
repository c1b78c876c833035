// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {CaliberLog} from "../src/CaliberLog.sol";
import {ICaliberLog} from "../src/interfaces/ICaliberLog.sol";
import {MerkleRfc6962} from "../src/libraries/MerkleRfc6962.sol";
import {Cheats} from "./support/Cheats.sol";
import {Tree} from "./support/Tree.sol";

contract CaliberLogTest is Cheats {
    bytes32 private constant ORIGIN = keccak256("origin");
    address private constant ANCHORER = address(0xA2C);

    CaliberLog private log;

    function setUp() public {
        vm.warp(1_800_000_000);
        log = new CaliberLog(1 days, address(0xAD), ANCHORER);
    }

    function anchor(bytes32 origin, uint64 size, bytes32 root) private {
        vm.prank(ANCHORER);
        log.anchor(origin, size, root);
    }

    function test_anchors() public {
        vm.expectEmit(address(log));
        emit ICaliberLog.Anchored(ORIGIN, 10, keccak256("root"));
        anchor(ORIGIN, 10, keccak256("root"));
        (uint64 size, bytes32 root, uint64 anchoredAt) = log.latest(ORIGIN);
        vm.assertEq(size, 10);
        vm.assertEq(root, keccak256("root"));
        vm.assertEq(anchoredAt, block.timestamp);
        (size, root, anchoredAt) = log.latest(keccak256("other"));
        vm.assertEq(size, 0);
        vm.assertEq(root, bytes32(0));
        vm.assertEq(anchoredAt, 0);
    }

    function testFuzz_sizeStrictlyGrowsPerOrigin(uint64 first, uint64 second) public {
        first = uint64(bound(first, 1, type(uint64).max));
        anchor(ORIGIN, first, keccak256("a"));
        if (second <= first) {
            vm.expectRevert(abi.encodeWithSelector(ICaliberLog.SizeNotGrowing.selector, ORIGIN, first, second));
        }
        anchor(ORIGIN, second, keccak256("b"));
        (uint64 size,,) = log.latest(ORIGIN);
        vm.assertEq(size, second > first ? second : first);
        anchor(keccak256("other"), 1, keccak256("c"));
    }

    function test_refuses() public {
        bytes32 role = log.ANCHOR_ROLE();
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), role)
        );
        log.anchor(ORIGIN, 1, keccak256("root"));
        vm.expectRevert(ICaliberLog.RootMissing.selector);
        anchor(ORIGIN, 1, bytes32(0));
        vm.expectRevert(ICaliberLog.OriginMissing.selector);
        anchor(bytes32(0), 1, keccak256("root"));
        vm.expectRevert(abi.encodeWithSelector(ICaliberLog.SizeNotGrowing.selector, ORIGIN, 0, 0));
        anchor(ORIGIN, 0, keccak256("root"));
    }

    function testFuzz_verifiesInclusionInTheLatestAnchor(uint256 size, uint256 index) public {
        size = bound(size, 2, 60);
        index = bound(index, 0, size - 1);
        bytes32[] memory leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = MerkleRfc6962.hashLeaf(abi.encode(i));
        }
        bytes32[] memory proof = Tree.path(leaves, index);
        vm.expectRevert(abi.encodeWithSelector(ICaliberLog.OriginNotAnchored.selector, ORIGIN));
        log.verifyInclusion(ORIGIN, leaves[index], uint64(index), proof);

        anchor(ORIGIN, uint64(size), Tree.root(leaves));
        log.verifyInclusion(ORIGIN, leaves[index], uint64(index), proof);
        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        log.verifyInclusion(ORIGIN, keccak256("other"), uint64(index), proof);

        anchor(ORIGIN, uint64(size + 100), keccak256("grown"));
        (bool accepted,) =
            address(log).staticcall(abi.encodeCall(log.verifyInclusion, (ORIGIN, leaves[index], uint64(index), proof)));
        vm.assertFalse(accepted);
    }
}
