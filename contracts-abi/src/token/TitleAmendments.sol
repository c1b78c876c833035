// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Amendment, DeviceProof, Replacement, Rotation} from "../interfaces/TitleTypes.sol";
import {DeviceKey} from "../libraries/DeviceKey.sol";
import {TitleHashes} from "../libraries/TitleHashes.sol";
import {Titles} from "./Titles.sol";

/// @title TitleAmendments
/// @notice The ways in which what a title stands for can change. Whoever calls them has checked the caller's role.
abstract contract TitleAmendments is Titles, EIP712 {
    /// @notice The longest that a dispute can be opened for at once, so that an arbiter who vanishes holds nobody.
    uint64 public constant MAX_DISPUTE = 90 days;

    function rotationPreimage(Rotation calldata rotation) public view returns (bytes memory) {
        return _preimage(TitleHashes.hash(rotation));
    }

    function replacementPreimage(Replacement calldata replacement) public view returns (bytes memory) {
        return _preimage(TitleHashes.hash(replacement));
    }

    function _preimage(bytes32 structHash) internal view returns (bytes memory) {
        return bytes.concat(hex"1901", _domainSeparatorV4(), structHash);
    }

    function _amend(uint256 tokenId, bytes32 evidence, uint8 assurance) internal {
        _requireOwned(tokenId);
        _setAssurance(tokenId, assurance);
        _recordAmendment(tokenId, Amendment.Evidence, evidence);
    }

    /// @dev Whoever stole the old key still needs the registrar. Whoever is the registrar still needs the old key.
    function _rotate(Rotation calldata rotation, DeviceProof calldata oldKey, DeviceProof calldata newKey) internal {
        _requireInTime(rotation.deadline);
        _requireOwned(rotation.tokenId);
        bytes32 digest = sha256(rotationPreimage(rotation));
        DeviceKey.requireSigned(rotation.oldKeyHash, digest, oldKey.qx, oldKey.qy, oldKey.r, oldKey.s);
        DeviceKey.requireSigned(rotation.newKeyHash, digest, newKey.qx, newKey.qy, newKey.r, newKey.s);
        _useKey(rotation.oldKeyHash, rotation.nonce, rotation.tokenId);
        _changeKey(rotation.tokenId, rotation.oldKeyHash, rotation.newKeyHash, 0);
        _setAssurance(rotation.tokenId, rotation.assurance);
        _recordAmendment(rotation.tokenId, Amendment.KeyRotated, rotation.evidence);
    }

    /// @dev Counts once: it uses up the device key's nonce. The fingerprint binds it to the title as it was shown to
    /// the consenter, who signs over the device's key and thereby over who stands in.
    function _replace(Replacement calldata replacement, DeviceProof calldata device, bytes calldata consent) internal {
        uint256 tokenId = replacement.tokenId;
        _requireInTime(replacement.deadline);
        bytes32 fingerprint = getStateFingerprint(tokenId);
        require(fingerprint == replacement.fingerprint, FingerprintMismatch(fingerprint, replacement.fingerprint));
        _requireWellFormed(
            replacement.strongIdentity, replacement.weakIdentity, replacement.evidence, replacement.logOrigin
        );
        bytes memory preimage = replacementPreimage(replacement);
        DeviceKey.requireSigned(replacement.deviceKeyHash, sha256(preimage), device.qx, device.qy, device.r, device.s);
        address consenter = consenterOf(tokenId);
        require(
            SignatureChecker.isValidSignatureNowCalldata(consenter, keccak256(preimage), consent),
            ConsentInvalid(consenter)
        );

        bytes32 oldKeyHash = _titles[tokenId].deviceKeyHash;
        if (replacement.deviceKeyHash == oldKeyHash) _useKey(oldKeyHash, replacement.nonce, tokenId);
        else _changeKey(tokenId, oldKeyHash, replacement.deviceKeyHash, replacement.nonce);
        _changeIdentities(replacement);
        _changeContext(tokenId, replacement.headerHash, replacement.logOrigin);
        _setAssurance(tokenId, replacement.assurance);
        _recordAmendment(tokenId, Amendment.Replaced, replacement.evidence);
    }

    function _openDispute(uint256 tokenId, bytes32 evidence, uint64 until) internal {
        _requireOwned(tokenId);
        require(until > block.timestamp && until <= block.timestamp + MAX_DISPUTE, DisputeEndInvalid(until));
        _titles[tokenId].disputedUntil = uint40(until);
        _recordAmendment(tokenId, Amendment.DisputeOpened, evidence);
    }

    function _closeDispute(uint256 tokenId, bytes32 evidence) internal {
        _requireOwned(tokenId);
        require(_titles[tokenId].disputedUntil >= block.timestamp, DisputeMissing(tokenId));
        _titles[tokenId].disputedUntil = 0;
        _recordAmendment(tokenId, Amendment.DisputeClosed, evidence);
    }

    function _changeKey(uint256 tokenId, bytes32 oldKeyHash, bytes32 newKeyHash, uint64 nonce) private {
        _retireKey(oldKeyHash);
        _bindKey(newKeyHash, nonce, uint64(tokenId));
        _titles[tokenId].deviceKeyHash = newKeyHash;
        emit DeviceKeyChanged(tokenId, oldKeyHash, newKeyHash);
    }

    /// @dev What leaves is freed before what comes is bound. The title stays the last token of what left, so that a
    /// later mint of it names this one as its predecessor.
    function _changeIdentities(Replacement calldata replacement) private {
        StoredTitle storage title = _titles[replacement.tokenId];
        (bytes32 strong, bytes32 weak) = (replacement.strongIdentity, replacement.weakIdentity);
        bool isSame = strong == title.strongIdentity && weak == title.weakIdentity;
        _freeIdentities(title.strongIdentity, title.weakIdentity);
        _bindIdentities(strong, weak, uint64(replacement.tokenId), replacement.predecessor);
        if (isSame) return;
        (title.strongIdentity, title.weakIdentity) = (strong, weak);
        if (replacement.predecessor != replacement.tokenId) title.predecessor = uint48(replacement.predecessor);
        emit IdentityChanged(replacement.tokenId, strong, weak, replacement.predecessor);
    }

    function _changeContext(uint256 tokenId, bytes32 headerHash, bytes32 logOrigin) private {
        bytes32 before = _contextOf(_titles[tokenId].context).headerHash;
        _titles[tokenId].context = _contextNumber(headerHash, logOrigin);
        if (headerHash != before) emit HeaderChanged(tokenId, headerHash);
    }
}
