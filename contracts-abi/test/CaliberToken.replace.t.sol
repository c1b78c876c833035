// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {DeviceProof, MintAuthorization, Replacement, Title} from "../src/interfaces/TitleTypes.sol";
import {Amendments} from "./support/Amendments.sol";
import {Wallet} from "./support/Wallet.sol";

/// @notice RMA, a lost key and a move: what stands behind a title changes, its id does not.
contract CaliberTokenReplaceTest is Amendments {
    function setUp() public {
        deployToken();
        mintFor(1);
        vm.prank(HOLDER);
        token.setController(1, controller());
    }

    function test_otherHardwareBehindTheSameToken() public {
        bytes32 place = register("Hall 2");
        Replacement memory replacement = replacementOf(1, 2);
        replacement.headerHash = place;
        replacement.logOrigin = sha256("another log");
        vm.expectEmit(address(token));
        emit ICaliberToken.DeviceKeyChanged(1, keyHashOf(1), keyHashOf(2));
        vm.expectEmit(address(token));
        emit ICaliberToken.IdentityChanged(1, strongOf(2), weakOf(2), 0);
        vm.expectEmit(address(token));
        emit ICaliberToken.HeaderChanged(1, place);
        submitReplacement(replacement, 2, CONTROLLER_KEY);

        Title memory title = token.titleOf(1);
        vm.assertEq(title.deviceKeyHash, keyHashOf(2));
        vm.assertEq(title.strongIdentity, strongOf(2));
        vm.assertEq(title.weakIdentity, weakOf(2));
        vm.assertEq(title.headerHash, place);
        vm.assertEq(title.logOrigin, sha256("another log"));
        vm.assertEq(title.evidence, replacement.evidence);
        vm.assertEq(title.amendments, 1);
        vm.assertEq(token.tokenOfIdentity(strongOf(1)), 0);
        vm.assertEq(token.tokenOfIdentity(weakOf(1)), 0);
        vm.assertEq(token.tokenOfIdentity(strongOf(2)), 1);
        vm.assertNotEq(token.getStateFingerprint(1), replacement.fingerprint);
        vm.assertEq(token.ownerOf(1), HOLDER);
    }

    /// @dev What left is free, and its next token names the one it left.
    function test_whatLeftCanBeMintedAgain() public {
        submitReplacement(replacementOf(1, 2), 2, CONTROLLER_KEY);
        MintAuthorization memory again = authorizationOf(3);
        (again.strongIdentity, again.weakIdentity, again.predecessor) = (strongOf(1), weakOf(1), 1);
        vm.assertEq(submit(signWith(3, again)), 2);
    }

    /// @dev The old key is lost: the same silicon re-enrols with a new one, by registrar and controller.
    function test_aLostKey() public {
        Replacement memory replacement = replacementOf(1, 2);
        (replacement.strongIdentity, replacement.weakIdentity, replacement.predecessor) = (strongOf(1), weakOf(1), 1);
        submitReplacement(replacement, 2, CONTROLLER_KEY);
        Title memory title = token.titleOf(1);
        vm.assertEq(title.deviceKeyHash, keyHashOf(2));
        vm.assertEq(title.strongIdentity, strongOf(1));
        vm.assertEq(title.predecessor, 0);
        vm.assertEq(token.tokenOfIdentity(strongOf(1)), 1);
    }

    /// @dev The same device at another bailee's: its own key signs, with its next nonce.
    function test_aChangeOfCustody() public {
        Replacement memory move = replacementOf(1, 1);
        (move.headerHash, move.predecessor, move.nonce) = (register("Hall 2"), 1, 1);
        submitReplacement(move, 1, CONTROLLER_KEY);
        vm.assertEq(token.titleOf(1).headerHash, move.headerHash);
        vm.assertEq(token.titleOf(1).deviceKeyHash, keyHashOf(1));
        (uint64 live, uint64 nonce) = token.tokenOfKey(keyHashOf(1));
        vm.assertEq(live, 1);
        vm.assertEq(nonce, 2);
        bytes memory reason = abi.encodeWithSelector(
            ICaliberToken.FingerprintMismatch.selector, token.getStateFingerprint(1), move.fingerprint
        );
        expectReplacementRefused(move, 1, CONTROLLER_KEY, reason);
        move.fingerprint = token.getStateFingerprint(1);
        expectReplacementRefused(
            move, 1, CONTROLLER_KEY, abi.encodeWithSelector(ICaliberToken.NonceMismatch.selector, 2, 1)
        );
    }

    function test_hardwareThatHadATitleNamesIt() public {
        mintFor(2);
        vm.prank(HOLDER);
        token.redeem(2);
        Replacement memory replacement = replacementOf(1, 3);
        (replacement.strongIdentity, replacement.weakIdentity) = (strongOf(2), weakOf(2));
        expectReplacementRefused(
            replacement, 3, CONTROLLER_KEY, abi.encodeWithSelector(ICaliberToken.PredecessorMismatch.selector, 2, 0)
        );
        replacement.predecessor = 2;
        submitReplacement(replacement, 3, CONTROLLER_KEY);
        vm.assertEq(token.titleOf(1).predecessor, 2);
    }

    function test_needsControllerRegistrarAndDevice() public {
        Replacement memory replacement = replacementOf(1, 2);
        expectReplacementRefused(
            replacement, 2, 78, abi.encodeWithSelector(ICaliberToken.ConsentInvalid.selector, controller())
        );
        expectReplacementRefused(
            replacement,
            3,
            CONTROLLER_KEY,
            abi.encodeWithSelector(ICaliberToken.DeviceKeyMismatch.selector, keyHashOf(3), keyHashOf(2))
        );
        bytes memory consent = consentOf(CONTROLLER_KEY, replacement);
        DeviceProof memory proof = proofOf(2, token.replacementPreimage(replacement));
        vm.expectPartialRevert(bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)")));
        vm.prank(HOLDER);
        token.replace(replacement, proof, consent);
    }

    /// @dev Each member is under both signatures: the device's is checked first.
    function testFuzz_noMemberCanBeChangedAfterSigning(uint8 member) public {
        Replacement memory signed = replacementOf(1, 2);
        bytes memory preimage = token.replacementPreimage(signed);
        DeviceProof memory proof = proofOf(2, preimage);
        member = member % 8;
        if (member == 0) signed.strongIdentity = keccak256("other");
        if (member == 1) signed.weakIdentity = keccak256("other");
        if (member == 2) signed.evidence = keccak256("other");
        if (member == 3) signed.logOrigin = keccak256("other");
        if (member == 4) signed.headerHash = bytes32(0);
        if (member == 5) signed.assurance = 0;
        if (member == 6) signed.deadline += 1;
        if (member == 7) signed.predecessor = 1;
        vm.assertNotEq(keccak256(token.replacementPreimage(signed)), keccak256(preimage));
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(2)));
        vm.prank(REGISTRAR);
        token.replace(signed, proof, "");
    }

    function test_refusesIdentitiesAndKeysOfOthers() public {
        mintFor(2);
        Replacement memory replacement = replacementOf(1, 3);
        replacement.strongIdentity = strongOf(2);
        expectReplacementRefused(
            replacement, 3, CONTROLLER_KEY, abi.encodeWithSelector(ICaliberToken.IdentityTaken.selector, strongOf(2), 2)
        );
        replacement = replacementOf(1, 2);
        expectReplacementRefused(
            replacement, 2, CONTROLLER_KEY, abi.encodeWithSelector(ICaliberToken.KeyTaken.selector, keyHashOf(2), 2)
        );
        replacement = replacementOf(1, 3);
        replacement.headerHash = keccak256("unregistered");
        expectReplacementRefused(
            replacement,
            3,
            CONTROLLER_KEY,
            abi.encodeWithSelector(ICaliberToken.HeaderUnknown.selector, replacement.headerHash)
        );
    }

    function test_withoutAControllerTheOwnerConsents() public {
        address owner = vm.addr(55);
        vm.startPrank(HOLDER);
        token.setController(1, address(0));
        token.transferFrom(HOLDER, owner, 1);
        vm.stopPrank();
        Replacement memory replacement = replacementOf(1, 2);
        expectReplacementRefused(
            replacement, 2, CONTROLLER_KEY, abi.encodeWithSelector(ICaliberToken.ConsentInvalid.selector, owner)
        );
        submitReplacement(replacement, 2, 55);
        vm.assertEq(token.titleOf(1).deviceKeyHash, keyHashOf(2));
    }

    function test_aContractConsentsByErc1271() public {
        Wallet wallet = new Wallet(vm.addr(91));
        vm.prank(controller());
        token.setController(1, address(wallet));
        Replacement memory replacement = replacementOf(1, 2);
        expectReplacementRefused(
            replacement, 2, CONTROLLER_KEY, abi.encodeWithSelector(ICaliberToken.ConsentInvalid.selector, wallet)
        );
        submitReplacement(replacement, 2, 91);
        vm.assertEq(token.titleOf(1).deviceKeyHash, keyHashOf(2));
    }
}
