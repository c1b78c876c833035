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
        uint64 node = index;
        uint64 last = size - 1;
        bytes32 computed = leafHash;
        for (uint256 i = 0; i < proof.length; ++i) {
            require(last != 0, ProofLengthInvalid(proof.length));
            if (node & 1 == 1 || node == last) {
                computed = hashNode(proof[i], computed);
                while (node & 1 == 0 && node != 0) {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                computed = hashNode(computed, proof[i]);
            }
            node >>= 1;
            last >>= 1;
        }
        require(last == 0, ProofLengthInvalid(proof.length));
        require(computed == root, RootMismatch(computed, root));
    }
}
