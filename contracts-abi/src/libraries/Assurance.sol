// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaliberToken} from "../interfaces/ICaliberToken.sol";

/// @title Assurance
/// @notice The bit field that says how a title's claims are known.
library Assurance {
    /// @dev The device key lives in a TPM (else in software).
    uint8 internal constant KEY_TPM = 1 << 0;
    /// @dev The identity comes from the GPU's own certificate (else it is declared).
    uint8 internal constant IDENTITY_SILICON = 1 << 1;

    /// @notice Reverts unless the assurance has a meaning and the strong identity that it needs.
    function requireSound(uint8 assurance, bytes32 strongIdentity) internal pure {
        require(assurance & ~(KEY_TPM | IDENTITY_SILICON) == 0, ICaliberToken.AssuranceUnknown(assurance));
        require(
            assurance & IDENTITY_SILICON == 0 || strongIdentity != bytes32(0),
            ICaliberToken.AssuranceUnfounded(assurance)
        );
    }
}
