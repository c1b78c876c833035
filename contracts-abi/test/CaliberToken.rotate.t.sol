// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {Amendment, DeviceProof, Rotation, Title} from "../src/interfaces/TitleTypes.sol";
import {Amendments} from "./support/Amendments.sol";

contract CaliberTokenRotateTest is Amendments {
    function setUp() public {
        deployToken();
        mintFor(1);
    }

    function test_tokenAndIdentitiesMoveToTheNextKey() public {
        bytes32 before = token.getStateFingerprint(1);
        Rotation memory rotation = rotationOf(1, 1);
        vm.expectEmit(address(token));
        emit ICaliberToken.DeviceKeyChanged(1, keyHashOf(1), keyHashOf(101));
        submitRotation(rotation, 1, 101);

        Title memory title = token.titleOf(1);
        vm.assertEq(title.deviceKeyHash, keyHashOf(101));
        vm.assertEq(title.strongIdentity, strongOf(1));
        vm.assertEq(title.amendments, 1);
        vm.assertEq(title.evidence, rotation.evidence);
        vm.assertEq(token.tokenOfIdentity(strongOf(1)), 1);
        (uint64 live, uint64 nonce) = token.tokenOfKey(keyHashOf(1));
        vm.assertEq(live, 0);
        vm.assertEq(nonce, 2);
        (live, nonce) = token.tokenOfKey(keyHashOf(101));
        vm.assertEq(live, 1);
        vm.assertEq(nonce, 1);
        vm.assertNotEq(token.getStateFingerprint(1), before);
    }

    function test_theNextKeyRotatesOn() public {
        submitRotation(rotationOf(1, 1), 1, 101);
        submitRotation(rotationOf(1, 101), 101, 201);
        vm.assertEq(token.titleOf(1).deviceKeyHash, keyHashOf(201));
        vm.assertEq(token.titleOf(1).amendments, 2);
    }

    function test_isAnAmendmentOfTheRegistrars() public {
        Rotation memory rotation = rotationOf(1, 1);
        rotation.assurance = 2;
        bytes memory preimage = token.rotationPreimage(rotation);
        DeviceProof memory old = proofOf(1, preimage);
        DeviceProof memory next = proofOf(101, preimage);
        vm.expectPartialRevert(bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)")));
        vm.prank(HOLDER);
        token.rotate(rotation, old, next);

        bytes32 fingerprint =
            keccak256(abi.encode(1, keyHashOf(101), strongOf(1), weakOf(1), uint8(2), headerHash, address(0)));
        vm.expectEmit(address(token));
        emit ICaliberToken.TitleAmended(1, 1, REGISTRAR, Amendment.KeyRotated, rotation.evidence, 2, fingerprint);
        vm.prank(REGISTRAR);
        token.rotate(rotation, old, next);
        vm.assertEq(token.getStateFingerprint(1), fingerprint);
    }

    function test_needsBothKeys() public {
        Rotation memory rotation = rotationOf(1, 1);
        bytes memory preimage = token.rotationPreimage(rotation);
        DeviceProof memory old = proofOf(1, preimage);
        DeviceProof memory next = proofOf(101, preimage);
        DeviceProof memory stranger = proofOf(5, preimage);
        vm.startPrank(REGISTRAR);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceKeyMismatch.selector, keyHashOf(5), keyHashOf(1)));
        token.rotate(rotation, stranger, next);
        (stranger.qx, stranger.qy) = (next.qx, next.qy);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(101)));
        token.rotate(rotation, old, stranger);
    }

    function expectRefused(Rotation memory rotation, uint256 oldDevice, uint256 newDevice, bytes memory reason)
        private
    {
        bytes memory preimage = token.rotationPreimage(rotation);
        DeviceProof memory old = proofOf(oldDevice, preimage);
        DeviceProof memory next = proofOf(newDevice, preimage);
        vm.expectRevert(reason);
        vm.prank(REGISTRAR);
        token.rotate(rotation, old, next);
    }

    function test_refusesWhatIsNotTheTitlesOrNotNew() public {
        mintFor(2);
        Rotation memory rotation = rotationOf(1, 2);
        expectRefused(rotation, 2, 102, abi.encodeWithSelector(ICaliberToken.KeyNotOfTitle.selector, 1, keyHashOf(2)));
        rotation = rotationOf(1, 1);
        rotation.newKeyHash = keyHashOf(2);
        expectRefused(rotation, 1, 2, abi.encodeWithSelector(ICaliberToken.KeyTaken.selector, keyHashOf(2), 2));
        rotation.newKeyHash = keyHashOf(1);
        expectRefused(rotation, 1, 1, abi.encodeWithSelector(ICaliberToken.KeyRetired.selector, keyHashOf(1)));
        rotation = rotationOf(1, 1);
        rotation.nonce = 7;
        expectRefused(rotation, 1, 101, abi.encodeWithSelector(ICaliberToken.NonceMismatch.selector, 1, 7));
        rotation = rotationOf(1, 1);
        rotation.deadline = uint64(block.timestamp - 1);
        expectRefused(
            rotation, 1, 101, abi.encodeWithSelector(ICaliberToken.AuthorizationExpired.selector, rotation.deadline)
        );
        rotation = rotationOf(1, 1);
        rotation.evidence = bytes32(0);
        expectRefused(rotation, 1, 101, abi.encodeWithSelector(ICaliberToken.EvidenceMissing.selector));
    }

    function test_countsOnce() public {
        Rotation memory rotation = rotationOf(1, 1);
        submitRotation(rotation, 1, 101);
        expectRefused(rotation, 1, 101, abi.encodeWithSelector(ICaliberToken.KeyNotOfTitle.selector, 1, keyHashOf(1)));
    }

    function test_aRetiredKeyNeverComesBack() public {
        submitRotation(rotationOf(1, 1), 1, 101);
        Rotation memory back = rotationOf(1, 101);
        back.newKeyHash = keyHashOf(1);
        expectRefused(back, 101, 1, abi.encodeWithSelector(ICaliberToken.KeyRetired.selector, keyHashOf(1)));
        vm.prank(HOLDER);
        token.redeem(1);
        (uint64 live, uint64 nonce) = token.tokenOfKey(keyHashOf(101));
        vm.assertEq(live, 0);
        vm.assertEq(nonce, 1);
    }
}
