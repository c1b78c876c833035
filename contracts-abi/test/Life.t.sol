// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {State} from "../src/interfaces/HealthTypes.sol";
import {Replacement} from "../src/interfaces/TitleTypes.sol";
import {LoanStatus, LoanTermsV2} from "../src/testing/LoanTypes.sol";
import {Loans} from "./support/Loans.sol";

/// @notice A title's whole life with a loan on it, in every state of health.
contract LifeTest is Loans {
    function setUp() public {
        deployLoans();
    }

    function pledge() private {
        stage();
        originate(signed(approval()));
        vm.assertEq(token.ownerOf(1), address(router));
    }

    /// @dev Stale comes by itself: nothing is posted for three days.
    function fall(uint8 state) private {
        State fallen = State(bound(state, 1, 8));
        if (fallen == State.Stale) vm.warp(block.timestamp + 3 days);
        else setHealth(fallen, fallen);
        vm.assertEq(uint8(stateOf(1)), uint8(fallen));
    }

    function allStates() private pure returns (uint8[8] memory states) {
        for (uint8 i = 0; i < 8; ++i) {
            states[i] = i;
        }
    }

    function repayAll() private {
        vm.startPrank(HOLDER);
        router.repay(terms(), PRINCIPAL / 3);
        router.repay(terms(), PRINCIPAL - PRINCIPAL / 3);
        vm.stopPrank();
    }

    function test_mintPledgeRepayReturnInEveryState() public {
        uint8[8] memory states = allStates();
        for (uint256 i = 0; i < states.length; ++i) {
            deployLoans();
            pledge();
            fall(states[i]);
            repayAll();
            vm.assertEq(uint256(statusOf()), uint256(LoanStatus.Repaid));
            vm.assertEq(token.ownerOf(1), HOLDER);
            vm.assertEq(token.ownerOf(2), HOLDER);
            vm.assertEq(token.consenterOf(1), HOLDER);
            vm.prank(HOLDER);
            token.redeem(1);
        }
    }

    function test_mintPledgeBreachLiquidateInEveryState() public {
        uint8[8] memory states = allStates();
        for (uint256 i = 0; i < states.length; ++i) {
            deployLoans();
            pledge();
            fall(states[i]);
            bytes32 hash = router.loanTermsHash(terms());
            vm.startPrank(OPERATOR);
            router.setLoanBreach(hash);
            router.liquidate(terms());
            router.depositLiquidationProceeds(terms(), PRINCIPAL / 2);
            vm.assertEq(uint256(statusOf()), uint256(LoanStatus.CollateralLiquidated));
            vm.assertEq(token.ownerOf(2), OPERATOR);
            token.redeem(2);
            vm.stopPrank();
        }
    }

    function test_stagingAndItsCancellationInEveryState() public {
        uint8[8] memory states = allStates();
        for (uint256 i = 0; i < states.length; ++i) {
            deployLoans();
            fall(states[i]);
            stage();
            bytes32 hash = router.loanTermsHash(terms());
            vm.warp(block.timestamp + 7 days + 1);
            vm.prank(HOLDER);
            timelock.cancel(address(router), hash, address(token), ids());
            vm.assertEq(token.ownerOf(1), HOLDER);
        }
    }

    /// @dev Neither a dispute nor a pause of both contracts keeps a title from moving.
    function test_disputeAndPauseHoldNoLoan() public {
        pledge();
        vm.prank(ARBITER);
        token.openDispute(1, keccak256("both sides"), uint64(block.timestamp + 30 days));
        vm.prank(PAUSER);
        token.pause();
        vm.prank(HEALTH_PAUSER);
        health.pause();
        repayAll();
        vm.assertEq(token.ownerOf(1), HOLDER);
    }

    function test_aGpuIsReplacedAndAnotherKeyRotatedMidLoan() public {
        pledge();
        Replacement memory replacement = replacementOf(1, 9);
        expectReplacementRefused(
            replacement, 9, 78, abi.encodeWithSelector(ICaliberToken.ConsentInvalid.selector, controller())
        );
        submitReplacement(replacement, 9, CONTROLLER_KEY);
        submitRotation(rotationOf(2, 2), 2, 102);
        vm.assertEq(token.titleOf(1).strongIdentity, strongOf(9));
        vm.assertEq(token.titleOf(2).deviceKeyHash, keyHashOf(102));

        // The lending contract's list of ids is the same, so refinancing and repayment go on.
        repayAll();
        vm.assertEq(token.ownerOf(1), HOLDER);
        vm.assertEq(token.titleOf(1).amendments, 1);
    }

    /// @dev A router cannot consent, and a borrower no longer may: without a controller nothing replaces the hardware.
    function test_withoutAControllerTheBorrowerReplacesNothing() public {
        vm.startPrank(HOLDER);
        token.setController(1, address(0));
        vm.stopPrank();
        pledge();
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.NotInControl.selector, 1, HOLDER));
        vm.prank(HOLDER);
        token.setController(1, HOLDER);
        expectReplacementRefused(
            replacementOf(1, 9), 9, 78, abi.encodeWithSelector(ICaliberToken.ConsentInvalid.selector, address(router))
        );
    }

    function test_aRefinancedLoanKeepsTokensAndController() public {
        pledge();
        bytes32 before = token.getStateFingerprint(1);
        vm.prank(OPERATOR);
        router.refinance(terms(), renewed(), PRINCIPAL);
        vm.assertEq(token.getStateFingerprint(1), before);
        vm.assertEq(token.consenterOf(1), controller());
    }

    function renewed() private view returns (LoanTermsV2 memory next) {
        next = terms();
        next.repaymentSpec.totalDurationDays = 360;
    }

    function test_whatIsPledgedIsPledgedOnce() public {
        pledge();
        vm.expectPartialRevert(bytes4(keccak256("ERC721InsufficientApproval(address,uint256)")));
        vm.prank(HOLDER);
        timelock.deposit(address(router), keccak256("other"), address(token), ids(), uint64(block.timestamp + 1));
    }
}
