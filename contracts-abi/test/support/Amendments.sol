// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeviceProof, Replacement, Rotation, Title} from "../../src/interfaces/TitleTypes.sol";
import {Devices} from "./Devices.sol";

/// @notice Rotations and replacements as their parties sign them.
abstract contract Amendments is Devices {
    uint256 internal constant CONTROLLER_KEY = 77;

    function controller() internal pure returns (address) {
        return vm.addr(CONTROLLER_KEY);
    }

    /// @dev To a key with the device's number plus 100, from the nonce the chain has.
    function rotationOf(uint256 tokenId, uint256 device) internal view returns (Rotation memory) {
        (, uint64 nonce) = token.tokenOfKey(keyHashOf(device));
        return Rotation({
            tokenId: tokenId,
            oldKeyHash: keyHashOf(device),
            newKeyHash: keyHashOf(device + 100),
            evidence: sha256("rotate report"),
            assurance: 3,
            nonce: nonce,
            deadline: uint64(block.timestamp + 1 hours)
        });
    }

    function submitRotation(Rotation memory rotation, uint256 oldDevice, uint256 newDevice) internal {
        bytes memory preimage = token.rotationPreimage(rotation);
        DeviceProof memory old = proofOf(oldDevice, preimage);
        DeviceProof memory next = proofOf(newDevice, preimage);
        vm.prank(REGISTRAR);
        token.rotate(rotation, old, next);
    }

    /// @dev By a device whose hardware never had a title.
    function replacementOf(uint256 tokenId, uint256 device) internal view returns (Replacement memory) {
        Title memory title = token.titleOf(tokenId);
        return Replacement({
            tokenId: tokenId,
            fingerprint: token.getStateFingerprint(tokenId),
            deviceKeyHash: keyHashOf(device),
            strongIdentity: strongOf(device),
            weakIdentity: weakOf(device),
            evidence: sha256("RMA report"),
            logOrigin: title.logOrigin,
            headerHash: title.headerHash,
            assurance: 3,
            predecessor: 0,
            nonce: 0,
            deadline: uint64(block.timestamp + 1 hours)
        });
    }

    function consentOf(uint256 key, Replacement memory replacement) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(token.replacementPreimage(replacement)));
        return abi.encodePacked(r, s, v);
    }

    function submitReplacement(Replacement memory replacement, uint256 device, uint256 consenterKey) internal {
        DeviceProof memory proof = proofOf(device, token.replacementPreimage(replacement));
        bytes memory consent = consentOf(consenterKey, replacement);
        vm.prank(REGISTRAR);
        token.replace(replacement, proof, consent);
    }

    function expectReplacementRefused(
        Replacement memory replacement,
        uint256 device,
        uint256 consenterKey,
        bytes memory reason
    ) internal {
        DeviceProof memory proof = proofOf(device, token.replacementPreimage(replacement));
        bytes memory consent = consentOf(consenterKey, replacement);
        vm.expectRevert(reason);
        vm.prank(REGISTRAR);
        token.replace(replacement, proof, consent);
    }
}
