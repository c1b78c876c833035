// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {AttestorSignature} from "../interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../interfaces/ICaliberHealth.sol";

/// @title AttestorQuorum
/// @notice A set of attestors (EOA or ERC-1271) of which a number must sign.
abstract contract AttestorQuorum is ICaliberHealth {
    uint256 private constant MAX_ATTESTORS = 32;

    address[] private _attestors;
    mapping(address account => bool) private _isAttestor;
    uint8 private _threshold;

    /// @inheritdoc ICaliberHealth
    function quorum() external view returns (address[] memory, uint8) {
        return (_attestors, _threshold);
    }

    /// @inheritdoc ICaliberHealth
    /// @dev Strictly ascending accounts: nobody counts twice.
    function requireQuorum(bytes32 digest, AttestorSignature[] calldata signatures) public view {
        require(signatures.length >= _threshold, QuorumMissing(signatures.length, _threshold));
        address last = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address attestor = signatures[i].attestor;
            require(attestor > last && _isAttestor[attestor], AttestorOutOfPlace(attestor));
            require(
                SignatureChecker.isValidSignatureNowCalldata(attestor, digest, signatures[i].signature),
                AttestorSignatureInvalid(attestor)
            );
            last = attestor;
        }
    }

    function _setAttestors(address[] memory attestors, uint8 threshold) internal {
        bool isSound = attestors.length <= MAX_ATTESTORS && threshold != 0 && threshold <= attestors.length;
        require(isSound, QuorumInvalid());
        for (uint256 i = 0; i < _attestors.length; ++i) {
            delete _isAttestor[_attestors[i]];
        }
        for (uint256 i = 0; i < attestors.length; ++i) {
            require(attestors[i] != address(0) && !_isAttestor[attestors[i]], QuorumInvalid());
            _isAttestor[attestors[i]] = true;
        }
        _attestors = attestors;
        _threshold = threshold;
        emit AttestorsSet(attestors, threshold);
    }
}
