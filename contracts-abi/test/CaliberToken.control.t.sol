// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {Amendment, Header} from "../src/interfaces/TitleTypes.sol";
import {Amendments} from "./support/Amendments.sol";
import {Signed} from "./support/Devices.sol";

/// @notice Controllers, disputes, headers, roles and the pause.
contract CaliberTokenControlTest is Amendments {
    address private constant CUSTODIAN = address(0xC1);
    address private constant ROUTER = address(0xC2);
    address private constant BUYER = address(0xB1);
    bytes4 private constant UNAUTHORIZED = bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)"));

    function setUp() public {
        deployToken();
        mintFor(1);
        vm.startPrank(CUSTODY);
        token.setCustodian(CUSTODIAN, true);
        token.setCustodian(ROUTER, true);
        vm.stopPrank();
    }

    function name(address who, address controller_) private {
        vm.prank(who);
        token.setController(1, controller_);
    }

    function move(address from, address to) private {
        vm.prank(from);
        token.transferFrom(from, to, 1);
    }

    function test_ownerOrControllerNamesTheController() public {
        bytes32 before = token.getStateFingerprint(1);
        vm.assertEq(token.consenterOf(1), HOLDER);
        vm.prank(HOLDER);
        token.setApprovalForAll(BUYER, true);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.NotInControl.selector, 1, BUYER));
        name(BUYER, BUYER);
        vm.expectEmit(address(token));
        emit ICaliberToken.ControllerChanged(1, controller());
        name(HOLDER, controller());
        vm.assertEq(token.consenterOf(1), controller());
        vm.assertNotEq(token.getStateFingerprint(1), before);
        name(controller(), BUYER);
        vm.assertEq(token.titleOf(1).controller, BUYER);
        name(HOLDER, address(0));
        vm.assertEq(token.getStateFingerprint(1), before);
    }

    function test_theControllerOutlivesKnownCustodyOnly() public {
        name(HOLDER, controller());
        bytes32 pledged = token.getStateFingerprint(1);
        move(HOLDER, CUSTODIAN);
        move(CUSTODIAN, ROUTER);
        vm.assertEq(token.consenterOf(1), controller());
        vm.assertEq(token.getStateFingerprint(1), pledged);
        vm.expectEmit(address(token));
        emit ICaliberToken.ControllerChanged(1, address(0));
        move(ROUTER, HOLDER);
        vm.assertEq(token.consenterOf(1), HOLDER);
        vm.assertNotEq(token.getStateFingerprint(1), pledged);
    }

    function test_aSellersControllerDoesNotBindTheBuyer() public {
        name(HOLDER, controller());
        move(HOLDER, BUYER);
        vm.assertEq(token.consenterOf(1), BUYER);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.NotInControl.selector, 1, controller()));
        name(controller(), controller());
    }

    /// @dev Taking a custodian off the list takes nothing from a token that it holds.
    function test_aCustodianForgottenMidLoan() public {
        name(HOLDER, controller());
        move(HOLDER, CUSTODIAN);
        vm.prank(CUSTODY);
        token.setCustodian(CUSTODIAN, false);
        vm.assertFalse(token.isCustodian(CUSTODIAN));
        vm.assertEq(token.consenterOf(1), controller());
    }

    function dispute(uint64 until) private {
        vm.prank(ARBITER);
        token.openDispute(1, keccak256("both sides"), until);
    }

    function test_aDisputeHoldsTheBurnAndNothingElse() public {
        bytes32 before = token.getStateFingerprint(1);
        uint64 until = uint64(block.timestamp + 10 days);
        vm.expectEmit(address(token));
        emit ICaliberToken.TitleAmended(1, 1, ARBITER, Amendment.DisputeOpened, keccak256("both sides"), 3, before);
        dispute(until);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.TitleDisputed.selector, 1, until));
        vm.prank(HOLDER);
        token.redeem(1);
        move(HOLDER, BUYER);
        vm.prank(ARBITER);
        token.closeDispute(1, keccak256("decision"));
        vm.assertEq(token.titleOf(1).amendments, 2);
        vm.prank(BUYER);
        token.redeem(1);
    }

    function test_aDisputeEndsByItself() public {
        uint64 until = uint64(block.timestamp + token.MAX_DISPUTE());
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DisputeEndInvalid.selector, until + 1));
        dispute(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DisputeEndInvalid.selector, block.timestamp));
        dispute(uint64(block.timestamp));
        dispute(until);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DisputeMissing.selector, 1));
        vm.prank(ARBITER);
        token.closeDispute(1, keccak256("decision"));
        vm.prank(HOLDER);
        token.redeem(1);
    }

    function test_headersAreKeptByHash() public {
        Header memory hall = header("Hall 9");
        bytes32 hash = keccak256(abi.encode(hall));
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.HeaderUnknown.selector, hash));
        token.headerOf(hash);
        vm.expectEmit(address(token));
        emit ICaliberToken.HeaderRegistered(hash, hall);
        vm.assertEq(register("Hall 9"), hash);
        vm.assertEq(register("Hall 9"), hash);
        vm.assertEq(keccak256(abi.encode(token.headerOf(hash))), hash);
    }

    function test_eachRoleDoesItsOwn() public {
        vm.startPrank(ADMIN);
        vm.expectPartialRevert(UNAUTHORIZED);
        token.amend(1, keccak256("evidence"), 0);
        vm.expectPartialRevert(UNAUTHORIZED);
        token.openDispute(1, keccak256("evidence"), uint64(block.timestamp + 1));
        vm.expectPartialRevert(UNAUTHORIZED);
        token.setCustodian(ADMIN, true);
        vm.expectPartialRevert(UNAUTHORIZED);
        token.pause();
        vm.stopPrank();
        vm.startPrank(REGISTRAR);
        vm.expectPartialRevert(UNAUTHORIZED);
        token.closeDispute(1, keccak256("evidence"));
        vm.expectPartialRevert(UNAUTHORIZED);
        token.setCustodian(REGISTRAR, true);
        vm.stopPrank();
    }

    function test_thePauseHurtsNobodysTitle() public {
        Signed memory second = signWith(2, authorizationOf(2));
        dispute(uint64(block.timestamp + 1 days));
        vm.prank(PAUSER);
        token.pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        submit(second);
        vm.startPrank(REGISTRAR);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        token.amend(1, keccak256("evidence"), 0);
        vm.stopPrank();
        vm.prank(ARBITER);
        token.closeDispute(1, keccak256("decision"));
        name(HOLDER, controller());
        move(HOLDER, BUYER);
        vm.prank(BUYER);
        token.redeem(1);
        vm.prank(PAUSER);
        token.unpause();
        submit(second);
    }
}
