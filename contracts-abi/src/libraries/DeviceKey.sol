// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title DeviceKey
/// @notice The name of a device's P-256 key.
library DeviceKey {
    /// @dev SubjectPublicKeyInfo up to the point: SEQUENCE, AlgorithmIdentifier (ecPublicKey, prime256v1), BIT STRING,
    /// uncompressed point marker. RFC 5480; 27 bytes.
    bytes27 private constant SPKI_PREFIX = 0x3059301306072a8648ce3d020106082a8648ce3d03010703420004;

    /// @notice SHA-256 of the key's canonical 91-byte SPKI DER.
    /// @param qx The public key, x.
    /// @param qy The public key, y.
    function hash(bytes32 qx, bytes32 qy) internal pure returns (bytes32) {
        return sha256(bytes.concat(SPKI_PREFIX, qx, qy));
    }
}
