// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {ICaliberToken} from "../interfaces/ICaliberToken.sol";

/// @title DeviceKey
/// @notice The name of a device's P-256 key, and what it signed.
library DeviceKey {
    /// @dev SubjectPublicKeyInfo up to the point: SEQUENCE, AlgorithmIdentifier (ecPublicKey, prime256v1), BIT STRING,
    /// uncompressed point marker. RFC 5480; 27 bytes.
    uint256 private constant SPKI_PREFIX = 0x3059301306072a8648ce3d020106082a8648ce3d03010703420004;

    /// @notice SHA-256 of the key's canonical 91-byte SPKI DER.
    /// @param qx The public key, x.
    /// @param qy The public key, y.
    /// @dev Laid out past the free memory, the prefix at the end of its word. 0x02 is the SHA-256 precompile, which
    /// fails only for want of gas.
    function hash(bytes32 qx, bytes32 qy) internal view returns (bytes32 keyHash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, SPKI_PREFIX)
            mstore(add(free, 0x20), qx)
            mstore(add(free, 0x40), qy)
            if iszero(staticcall(gas(), 2, add(free, 5), 91, 0, 0x20)) { revert(0, 0) }
            keyHash := mload(0)
        }
    }

    /// @notice Reverts unless the key is the one named and has signed the digest with a low s.
    /// @dev By precompile 0x100 where the chain has it, else in Solidity.
    function requireSigned(bytes32 keyHash, bytes32 digest, bytes32 qx, bytes32 qy, bytes32 r, bytes32 s)
        internal
        view
    {
        bytes32 computed = hash(qx, qy);
        require(computed == keyHash, ICaliberToken.DeviceKeyMismatch(computed, keyHash));
        require(P256.verify(digest, r, s, qx, qy), ICaliberToken.DeviceSignatureInvalid(keyHash));
    }
}
