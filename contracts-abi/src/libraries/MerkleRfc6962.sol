// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title MerkleRfc6962
/// @notice Inclusion in a SHA-256 Merkle tree of RFC 6962 (algorithm of RFC 9162, 2.1.3.2).
library MerkleRfc6962 {
    /// @notice The tree has no leaf of that index.
    error LeafIndexOutOfRange(uint64 index, uint64 size);
    /// @notice A tree of that size has no proof of that length for that index.
    error ProofLengthInvalid(uint256 given);
    /// @notice The proof leads to another root.
    error RootMismatch(bytes32 computed, bytes32 expected);

    /// @notice Hash of a leaf: SHA-256(0x00 ‖ entry).
    function hashLeaf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"00", entry));
    }

    /// @notice Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
    /// @dev Bytes are laid out past the free memory and left there: a proof has up to 40 nodes, and `bytes.concat` would
    /// take new memory for each. 0x02 is the SHA-256 precompile; it fails only for want of gas.
    function hashNode(bytes32 left, bytes32 right) internal view returns (bytes32 node) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            mstore(add(free, 1), left)
            mstore(add(free, 33), right)
            if iszero(staticcall(gas(), 2, free, 65, 0, 32)) { revert(0, 0) }
            node := mload(0)
        }
    }

    /// @notice Reverts unless the leaf is at `index` of the tree of `size` leaves under `root`.
    /// @dev All values but `root` and `size` may come from an attacker. The length of the proof is fixed by index and
    /// size, so that an inner node can never pass for a leaf.
    /// @param root Root of the tree.
    /// @param size Number of leaves.
    /// @param leafHash Hash of the leaf.
    /// @param index Index of the leaf, from 0.
    /// @param proof Audit path, from the leaf up.
    function requireInclusion(bytes32 root, uint64 size, bytes32 leafHash, uint64 index, bytes32[] calldata proof)
        internal
        view
    {
        require(index < size, LeafIndexOutOfRange(index, size));
        uint256 inner;
        uint256 expected;
        assembly ("memory-safe") {
            // Below `inner` the path is decided by the index's bits. From there on the node is the last of its level
            // and has a sibling, on its left, only where its own bit is set.
            // So it is the length in bits of what index and last index differ in: a binary search over 64 bits.
            let differ := xor(index, sub(size, 1))
            inner := shl(5, gt(differ, 0xffffffff))
            inner := or(inner, shl(4, gt(shr(inner, differ), 0xffff)))
            inner := or(inner, shl(3, gt(shr(inner, differ), 0xff)))
            inner := or(inner, shl(2, gt(shr(inner, differ), 0xf)))
            inner := or(inner, shl(1, gt(shr(inner, differ), 0x3)))
            inner := add(or(inner, gt(shr(inner, differ), 0x1)), iszero(iszero(differ)))
            expected := inner
            for { let rest := shr(inner, index) } rest {} {
                expected := add(expected, 1)
                rest := and(rest, sub(rest, 1))
            }
        }
        require(proof.length == expected, ProofLengthInvalid(proof.length));
        bytes32 computed = _climb(leafHash, index, inner, proof);
        require(computed == root, RootMismatch(computed, root));
    }

    /// @dev By hand, because a level costs two thirds of what it does in Solidity, and a dispute has twenty of them
    /// and more. A node's preimage lies at 0x1f: 0x01, then left at 0x20, then right at 0x40, where the free memory
    /// pointer is put back at the end. Each hash is written to where the next level wants it. 0x02 is the SHA-256
    /// precompile, which fails only for want of gas.
    function _climb(bytes32 leafHash, uint256 bits, uint256 inner, bytes32[] calldata proof)
        private
        view
        returns (bytes32 computed)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let sibling := proof.offset
            let end := add(sibling, shl(5, proof.length))
            // Above `inner` all bits are ones: the sibling is on the left. A level's bit is looked for at 0x20, which is
            // how much further on its node lies where it is set.
            bits := shl(5, or(bits, shl(inner, not(0))))
            let place := add(0x20, and(bits, 0x20))
            mstore8(0x1f, 1)
            mstore(place, leafHash)
            let ok := 1
            // Two levels a round, after a single one where their number is odd.
            if and(proof.length, 1) {
                mstore(sub(0x60, place), calldataload(sibling))
                sibling := add(sibling, 0x20)
                bits := shr(1, bits)
                place := add(0x20, and(bits, 0x20))
                ok := staticcall(gas(), 2, 0x1f, 0x41, place, 0x20)
            }
            for {} lt(sibling, end) { sibling := add(sibling, 0x40) } {
                mstore(sub(0x60, place), calldataload(sibling))
                place := add(0x20, and(shr(1, bits), 0x20))
                ok := and(ok, staticcall(gas(), 2, 0x1f, 0x41, place, 0x20))
                mstore(sub(0x60, place), calldataload(add(sibling, 0x20)))
                bits := shr(2, bits)
                place := add(0x20, and(bits, 0x20))
                ok := and(ok, staticcall(gas(), 2, 0x1f, 0x41, place, 0x20))
            }
            computed := mload(place)
            mstore(0x40, free)
            if iszero(ok) { revert(0, 0) }
        }
    }
}
