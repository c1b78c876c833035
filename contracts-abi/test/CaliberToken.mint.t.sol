// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {MintAuthorization, Title} from "../src/interfaces/TitleTypes.sol";
import {Devices, Signed} from "./support/Devices.sol";

contract CaliberTokenMintTest is Devices {
    function setUp() public {
        deployToken();
    }

    function test_mintsWhatTheDeviceSigned() public {
        MintAuthorization memory authorization = authorizationOf(1);
        Signed memory signed = signWith(1, authorization);
        vm.expectEmit(address(token));
        emit ICaliberToken.TitleMinted(
            1,
            authorization.deviceKeyHash,
            HOLDER,
            authorization.strongIdentity,
            authorization.weakIdentity,
            authorization.evidence,
            authorization.logOrigin,
            authorization.headerHash,
            3,
            0
        );
        vm.assertEq(submit(signed), 1);

        vm.assertEq(token.ownerOf(1), HOLDER);
        Title memory title = token.titleOf(1);
        vm.assertEq(title.deviceKeyHash, authorization.deviceKeyHash);
        vm.assertEq(title.strongIdentity, authorization.strongIdentity);
        vm.assertEq(title.weakIdentity, authorization.weakIdentity);
        vm.assertEq(title.evidence, authorization.evidence);
        vm.assertEq(title.logOrigin, authorization.logOrigin);
        vm.assertEq(title.headerHash, authorization.headerHash);
        vm.assertEq(title.assurance, 3);
        vm.assertEq(title.mintedAt, block.timestamp);
        vm.assertEq(title.amendments, 0);
        vm.assertEq(title.predecessor, 0);
        (uint64 live, uint64 nonce) = token.tokenOfKey(authorization.deviceKeyHash);
        vm.assertEq(live, 1);
        vm.assertEq(nonce, 1);
        vm.assertEq(token.tokenOfIdentity(authorization.strongIdentity), 1);
        vm.assertEq(token.tokenOfIdentity(authorization.weakIdentity), 1);
        vm.assertEq(token.lastTokenOfIdentity(authorization.weakIdentity), 1);
        vm.assertEq(token.totalSupply(), 1);
    }

    function test_idsAreSequential() public {
        for (uint256 device = 1; device <= 5; ++device) {
            vm.assertEq(mintFor(device), device);
        }
        vm.assertEq(token.totalMinted(), 5);
    }

    function test_declaredIdentityMintsWithoutAStrongOne() public {
        for (uint256 device = 1; device <= 2; ++device) {
            MintAuthorization memory authorization = authorizationOf(device);
            authorization.strongIdentity = bytes32(0);
            authorization.assurance = 0;
            submit(signWith(device, authorization));
        }
        vm.assertEq(token.tokenOfIdentity(bytes32(0)), 0);
        vm.assertEq(token.totalSupply(), 2);
    }

    function test_needsTheRegistrar() public {
        Signed memory signed = signWith(1, authorizationOf(1));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, HOLDER, token.REGISTRAR_ROLE()
            )
        );
        vm.prank(HOLDER);
        token.mint(signed.authorization, signed.qx, signed.qy, signed.r, signed.s);
    }

    function test_needsTheDeviceItself() public {
        Signed memory signed = signWith(2, authorizationOf(1));
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceKeyMismatch.selector, keyHashOf(2), keyHashOf(1)));
        submit(signed);

        Signed memory own = signWith(1, authorizationOf(1));
        (own.r, own.s) = (signed.r, signed.s);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
        submit(own);
    }

    function test_refusesHighS() public {
        Signed memory signed = signWith(1, authorizationOf(1));
        signed.s = bytes32(P256.N - uint256(signed.s));
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
        submit(signed);
    }

    /// @dev Each member of the authorization is under the signature.
    function testFuzz_noMemberCanBeChangedAfterSigning(uint8 member, uint256 value) public {
        MintAuthorization memory changed = authorizationOf(1);
        Signed memory signed = signWith(1, authorizationOf(1));
        bytes32 word = keccak256(abi.encode(value));
        member = member % 10;
        if (member == 0) changed.recipient = address(uint160(uint256(word)));
        if (member == 1) changed.strongIdentity = word;
        if (member == 2) changed.weakIdentity = word;
        if (member == 3) changed.evidence = word;
        if (member == 4) changed.logOrigin = word;
        if (member == 5) changed.headerHash = word;
        if (member == 6) changed.assurance = uint8(bound(value, 0, 2));
        if (member == 7) changed.predecessor = uint256(word);
        if (member == 8) changed.nonce = uint64(bound(value, 1, type(uint64).max));
        if (member == 9) changed.deadline += uint64(bound(value, 1, 1 days));
        signed.authorization = changed;
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
        submit(signed);
    }

    function test_anotherContractsOrChainsSignatureIsRefused() public {
        Signed memory signed = signWith(1, authorizationOf(1));
        vm.chainId(42161);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
        submit(signed);
        vm.chainId(31337);
        deployToken();
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1)));
        submit(signed);
    }

    function test_deadlineIsItsLastSecond() public {
        Signed memory first = signWith(1, authorizationOf(1));
        Signed memory second = signWith(2, authorizationOf(2));
        uint64 deadline = first.authorization.deadline;
        vm.warp(deadline);
        submit(first);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.AuthorizationExpired.selector, deadline));
        submit(second);
    }

    function test_oneLiveTokenPerKey() public {
        mintFor(1);
        expectRefused(
            1,
            authorizationWithNewIdentities(),
            abi.encodeWithSelector(ICaliberToken.KeyTaken.selector, keyHashOf(1), 1)
        );
    }

    function authorizationWithNewIdentities() private view returns (MintAuthorization memory authorization) {
        authorization = authorizationOf(1);
        authorization.strongIdentity = strongOf(99);
        authorization.weakIdentity = weakOf(99);
        authorization.nonce = 1;
    }

    function test_oneLiveTokenPerIdentity() public {
        mintFor(1);
        MintAuthorization memory sameWeak = authorizationOf(2);
        sameWeak.weakIdentity = weakOf(1);
        sameWeak.predecessor = 1;
        expectRefused(2, sameWeak, abi.encodeWithSelector(ICaliberToken.IdentityTaken.selector, weakOf(1), 1));

        MintAuthorization memory sameStrong = authorizationOf(2);
        sameStrong.strongIdentity = strongOf(1);
        sameStrong.predecessor = 1;
        expectRefused(2, sameStrong, abi.encodeWithSelector(ICaliberToken.IdentityTaken.selector, strongOf(1), 1));
    }

    function test_strongAndWeakIdentityMustDiffer() public {
        MintAuthorization memory authorization = authorizationOf(1);
        authorization.strongIdentity = authorization.weakIdentity;
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.IdentityRepeated.selector, weakOf(1)));
    }

    function test_refusesWhatIsMissing() public {
        MintAuthorization memory authorization = authorizationOf(1);
        authorization.weakIdentity = bytes32(0);
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.WeakIdentityMissing.selector));
        authorization = authorizationOf(1);
        authorization.evidence = bytes32(0);
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.EvidenceMissing.selector));
        authorization = authorizationOf(1);
        authorization.logOrigin = bytes32(0);
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.LogOriginMissing.selector));
        authorization = authorizationOf(1);
        authorization.recipient = address(0);
        expectRefused(
            1, authorization, abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0))
        );
    }

    function testFuzz_refusesUnsoundAssurance(uint8 assurance) public {
        MintAuthorization memory authorization = authorizationOf(1);
        authorization.assurance = uint8(bound(assurance, 4, 255));
        expectRefused(
            1, authorization, abi.encodeWithSelector(ICaliberToken.AssuranceUnknown.selector, authorization.assurance)
        );
        authorization.assurance = 2;
        authorization.strongIdentity = bytes32(0);
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.AssuranceUnfounded.selector, 2));
    }

    function test_refusesAnotherNonce() public {
        MintAuthorization memory authorization = authorizationOf(1);
        authorization.nonce = 1;
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.NonceMismatch.selector, 0, 1));
    }

    function test_refusesAPredecessorThatIsNone() public {
        MintAuthorization memory authorization = authorizationOf(1);
        authorization.predecessor = 7;
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.PredecessorMismatch.selector, 0, 7));
    }

    function test_refusesAReplay() public {
        Signed memory signed = signWith(1, authorizationOf(1));
        submit(signed);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.KeyTaken.selector, keyHashOf(1), 1));
        submit(signed);
    }
}
