// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {MintAuthorization} from "../src/interfaces/TitleTypes.sol";
import {Devices} from "./support/Devices.sol";

contract CaliberTokenRedeemTest is Devices {
    function setUp() public {
        deployToken();
        mintFor(1);
    }

    function redeem(uint256 tokenId) private {
        vm.prank(HOLDER);
        token.redeem(tokenId);
    }

    function test_burnsAndFrees() public {
        vm.expectEmit(address(token));
        emit ICaliberToken.TitleRedeemed(1, keyHashOf(1), HOLDER);
        redeem(1);

        (uint64 live, uint64 nonce) = token.tokenOfKey(keyHashOf(1));
        vm.assertEq(live, 0);
        vm.assertEq(nonce, 1);
        vm.assertEq(token.tokenOfIdentity(strongOf(1)), 0);
        vm.assertEq(token.tokenOfIdentity(weakOf(1)), 0);
        vm.assertEq(token.lastTokenOfIdentity(strongOf(1)), 1);
        vm.assertEq(token.lastTokenOfIdentity(weakOf(1)), 1);
        vm.assertEq(token.totalSupply(), 0);
        vm.assertEq(token.totalMinted(), 1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        token.titleOf(1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        token.ownerOf(1);
    }

    function test_onlyTheOwnerRedeems() public {
        vm.prank(HOLDER);
        token.setApprovalForAll(REGISTRAR, true);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.NotTokenOwner.selector, 1, REGISTRAR));
        vm.prank(REGISTRAR);
        token.redeem(1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        redeem(2);
    }

    function test_aRetiredKeyNeverMintsAgain() public {
        redeem(1);
        MintAuthorization memory authorization = authorizationOf(1);
        authorization.predecessor = 1;
        authorization.nonce = 1;
        expectRefused(1, authorization, abi.encodeWithSelector(ICaliberToken.KeyRetired.selector, keyHashOf(1)));
    }

    function test_theSameHardwareNamesItsPredecessor() public {
        redeem(1);
        MintAuthorization memory authorization = authorizationOf(2);
        authorization.strongIdentity = strongOf(1);
        authorization.weakIdentity = weakOf(1);
        expectRefused(2, authorization, abi.encodeWithSelector(ICaliberToken.PredecessorMismatch.selector, 1, 0));

        authorization.predecessor = 1;
        vm.assertEq(submit(signWith(2, authorization)), 2);
        vm.assertEq(token.titleOf(2).predecessor, 1);
        vm.assertEq(token.lastTokenOfIdentity(strongOf(1)), 2);
    }

    /// @dev Who re-declares a UUID cannot wash the history off known silicon, and who declares somebody else's cannot
    /// take its history away.
    function test_theStrongIdentitysHistoryGoesFirst() public {
        redeem(1);
        MintAuthorization memory other = authorizationOf(2);
        other.weakIdentity = weakOf(1);
        other.predecessor = 1;
        submit(signWith(2, other));
        redeem(2);
        vm.assertEq(token.predecessorOf(strongOf(1), weakOf(1)), 1);
        vm.assertEq(token.predecessorOf(strongOf(1), weakOf(50)), 1);
        vm.assertEq(token.predecessorOf(bytes32(0), weakOf(1)), 2);
        vm.assertEq(token.predecessorOf(bytes32(0), weakOf(50)), 0);
    }
}
