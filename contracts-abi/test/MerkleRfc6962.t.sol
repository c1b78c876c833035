// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleRfc6962} from "../src/libraries/MerkleRfc6962.sol";
import {Cheats} from "./support/Cheats.sol";
import {Tree} from "./support/Tree.sol";

contract MerkleRfc6962Test is Cheats {
    /// @dev External, so that the proof is calldata and a revert can be expected.
    function check(bytes32 root, uint64 size, bytes32 leafHash, uint64 index, bytes32[] calldata proof) external view {
        MerkleRfc6962.requireInclusion(root, size, leafHash, index, proof);
    }

    /// @dev The inputs and tree heads of the Certificate Transparency reference tests.
    function publishedLeaves(uint256 size) private pure returns (bytes32[] memory leaves) {
        bytes[8] memory entries = [
            bytes(""),
            hex"00",
            hex"10",
            hex"2021",
            hex"3031",
            hex"40414243",
            hex"5051525354555657",
            hex"606162636465666768696a6b6c6d6e6f"
        ];
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = MerkleRfc6962.hashLeaf(entries[i]);
        }
    }

    function manyLeaves(uint256 size, uint256 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = MerkleRfc6962.hashLeaf(abi.encode(seed, i));
        }
    }

    function test_publishedTreeHeads() public view {
        bytes32 one = 0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d;
        bytes32 eight = 0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328;
        vm.assertEq(Tree.root(publishedLeaves(1)), one);
        vm.assertEq(Tree.root(publishedLeaves(8)), eight);
        bytes32[] memory leaves = publishedLeaves(8);
        for (uint64 i = 0; i < 8; ++i) {
            this.check(eight, 8, leaves[i], i, Tree.path(leaves, i));
        }
    }

    function test_everyLeafOfEverySmallTree() public view {
        for (uint64 size = 1; size <= 33; ++size) {
            bytes32[] memory leaves = manyLeaves(size, size);
            bytes32 root = Tree.root(leaves);
            for (uint64 i = 0; i < size; ++i) {
                this.check(root, size, leaves[i], i, Tree.path(leaves, i));
            }
        }
    }

    function testFuzz_anyLeafOfAnyTree(uint256 size, uint256 index, uint256 seed) public view {
        size = bound(size, 1, 200);
        index = bound(index, 0, size - 1);
        bytes32[] memory leaves = manyLeaves(size, seed);
        this.check(Tree.root(leaves), uint64(size), leaves[index], uint64(index), Tree.path(leaves, index));
    }

    function testFuzz_noOtherLeafOrNodePasses(uint256 size, uint256 index, uint256 other, uint256 place) public {
        size = bound(size, 2, 100);
        index = bound(index, 0, size - 1);
        bytes32[] memory leaves = manyLeaves(size, 7);
        bytes32 root = Tree.root(leaves);
        bytes32[] memory proof = Tree.path(leaves, index);

        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        this.check(root, uint64(size), keccak256("other leaf"), uint64(index), proof);

        proof[bound(place, 0, proof.length - 1)] = bytes32(other);
        vm.expectPartialRevert(MerkleRfc6962.RootMismatch.selector);
        this.check(root, uint64(size), leaves[index], uint64(index), proof);
    }

    function testFuzz_anotherIndexIsRefused(uint256 size, uint256 index, uint256 shift) public {
        size = bound(size, 2, 100);
        index = bound(index, 0, size - 1);
        uint64 wrong = uint64((index + bound(shift, 1, size - 1)) % size);
        bytes32[] memory leaves = manyLeaves(size, 9);
        bytes32[] memory proof = Tree.path(leaves, index);
        bytes32 root = Tree.root(leaves);
        (bool accepted,) =
            address(this).call(abi.encodeCall(this.check, (root, uint64(size), leaves[index], wrong, proof)));
        vm.assertFalse(accepted);
    }

    function test_anInnerNodeIsNoLeaf() public {
        bytes32[] memory leaves = manyLeaves(4, 1);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = MerkleRfc6962.hashNode(leaves[2], leaves[3]);
        bytes32 inner = MerkleRfc6962.hashNode(leaves[0], leaves[1]);
        bytes32 root = Tree.root(leaves);
        vm.expectRevert(abi.encodeWithSelector(MerkleRfc6962.ProofLengthInvalid.selector, 1));
        this.check(root, 4, inner, 0, proof);
    }

    function test_refusesWrongLengths() public {
        bytes32[] memory leaves = manyLeaves(5, 1);
        bytes32 root = Tree.root(leaves);
        vm.expectRevert(abi.encodeWithSelector(MerkleRfc6962.ProofLengthInvalid.selector, 0));
        this.check(root, 5, leaves[0], 0, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(MerkleRfc6962.ProofLengthInvalid.selector, 4));
        this.check(root, 5, leaves[0], 0, new bytes32[](4));
    }

    function test_refusesAnIndexBeyondTheTree() public {
        bytes32[] memory leaves = manyLeaves(5, 1);
        bytes32 root = Tree.root(leaves);
        bytes32[] memory proof = Tree.path(leaves, 4);
        vm.expectRevert(abi.encodeWithSelector(MerkleRfc6962.LeafIndexOutOfRange.selector, 5, 5));
        this.check(root, 5, leaves[4], 5, proof);
        bytes32 empty = Tree.root(new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(MerkleRfc6962.LeafIndexOutOfRange.selector, 0, 0));
        this.check(empty, 0, leaves[0], 0, new bytes32[](0));
    }
}
