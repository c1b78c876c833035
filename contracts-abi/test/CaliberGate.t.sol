// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberGate} from "../src/CaliberGate.sol";
import {AttestorSignature, State} from "../src/interfaces/HealthTypes.sol";
import {GateApproval, ICaliberGate} from "../src/interfaces/ICaliberGate.sol";
import {ICaliberHealth} from "../src/interfaces/ICaliberHealth.sol";
import {LoanStatus} from "../src/testing/LoanTypes.sol";
import {Loans} from "./support/Loans.sol";

/// @notice Everything that must be in order at the moment of origination, one by one.
contract CaliberGateTest is Loans {
    function setUp() public {
        deployLoans();
        stage();
    }

    function test_approvesWhenAllIsInOrder() public {
        GateApproval memory approved = approval();
        vm.assertEq(
            bytes32(gate.isValidSignature(gate.loanDigest(approved.loanTermsHash), signed(approved))),
            bytes32(bytes4(0x1626ba7e))
        );
        originate(signed(approved));
        vm.assertEq(uint256(statusOf()), uint256(LoanStatus.Active));
    }

    /// @dev A GPU that fails between approval and origination.
    function testFuzz_aGpuThatFailsAfterSigningStopsTheLoan(uint8 state, bool second) public {
        GateApproval memory approved = approval();
        State failed = State(bound(state, 2, 8));
        if (second) setHealth(State.Healthy, failed);
        else setHealth(failed, State.Healthy);
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.HealthRefused.selector, second ? 2 : 1, failed));
        setHealth(State.Healthy, State.Healthy);
        originate(signed(approved));
    }

    function test_silenceStopsTheLoan() public {
        GateApproval memory approved = approval();
        vm.warp(block.timestamp + 2 hours + 1);
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.HealthRefused.selector, 1, State.Stale));
    }

    function test_aPausedHealthStopsTheLoan() public {
        vm.prank(HEALTH_PAUSER);
        health.pause();
        expectStopped(approval(), abi.encodeWithSelector(ICaliberGate.HealthRefused.selector, 1, State.Stale));
    }

    function test_staleHardwareEvidenceStopsTheLoan() public {
        vm.warp(START + 86_401);
        setHealth(State.Healthy, State.Healthy);
        expectStopped(approval(), abi.encodeWithSelector(ICaliberGate.AssuranceStale.selector, 1, START + 86_400));
    }

    function test_lostAssuranceStopsTheLoan() public {
        vm.prank(REGISTRAR);
        token.amend(2, keccak256("no silicon"), 1);
        expectStopped(approval(), abi.encodeWithSelector(ICaliberGate.AssuranceMissing.selector, 2, 2, 1));
    }

    function test_aTitleThatIsNotAsApprovedStopsTheLoan() public {
        GateApproval memory approved = approval();
        vm.prank(REGISTRAR);
        token.amend(2, keccak256("out of the TPM"), 2);
        bytes32 found = token.getStateFingerprint(2);
        expectStopped(
            approved,
            abi.encodeWithSelector(ICaliberGate.FingerprintMismatch.selector, 2, approved.fingerprints[1], found)
        );
    }

    function test_aDisputeStopsTheLoan() public {
        GateApproval memory approved = approval();
        uint64 until = uint64(block.timestamp + 1 days);
        vm.prank(ARBITER);
        token.openDispute(2, keccak256("both sides"), until);
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.TokenDisputed.selector, 2, until));
    }

    function test_collateralMustBeStagedForThisLoan() public {
        GateApproval memory approved = approval();
        approved.tokenIds = new uint256[](1);
        approved.tokenIds[0] = 1;
        approved.fingerprints = new bytes32[](1);
        approved.fingerprints[0] = token.getStateFingerprint(1);
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.NotStaged.selector, approved.loanTermsHash));

        approved = approval();
        approved.loanTermsHash = keccak256("another loan");
        AttestorSignature[] memory signatures = quorumOver(gate.approvalDigest(approved));
        bytes32 digest = gate.loanDigest(approved.loanTermsHash);
        vm.expectRevert(abi.encodeWithSelector(ICaliberGate.NotStaged.selector, approved.loanTermsHash));
        gate.check(digest, approved, signatures);
    }

    function test_theStayInTheTimelockMustNotHaveExpired() public {
        vm.warp(block.timestamp + 7 days);
        setHealth(State.Healthy, State.Healthy);
        GateApproval memory approved = approval();
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.NotStaged.selector, approved.loanTermsHash));
    }

    function test_custodyMustBeKnown() public {
        vm.prank(CUSTODY);
        token.setCustodian(address(router), false);
        expectStopped(approval(), abi.encodeWithSelector(ICaliberGate.CustodianUnknown.selector, router));
        vm.prank(CUSTODY);
        token.setCustodian(address(timelock), false);
        expectStopped(approval(), abi.encodeWithSelector(ICaliberGate.CustodianUnknown.selector, timelock));
    }

    /// @dev What a timelock that lets go of what it has receipts for would do.
    function test_theTimelockMustHoldTheTitles() public {
        GateApproval memory approved = approval();
        address elsewhere = address(0xe15e);
        vm.prank(address(timelock));
        token.transferFrom(address(timelock), elsewhere, 2);
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.NotInTimelock.selector, 2, elsewhere));
    }

    function test_theDeadlineIsItsLastSecond() public {
        GateApproval memory approved = approval();
        approved.deadline = uint64(block.timestamp);
        gate.check(gate.loanDigest(approved.loanTermsHash), approved, quorumOver(gate.approvalDigest(approved)));
        approved.deadline -= 1;
        expectStopped(approved, abi.encodeWithSelector(ICaliberGate.ApprovalExpired.selector, approved.deadline));
    }

    function test_needsTheAttestorsOverJustThis() public {
        GateApproval memory approved = approval();
        AttestorSignature[] memory signatures = quorumOver(gate.approvalDigest(approved));
        bytes32 digest = gate.loanDigest(approved.loanTermsHash);
        approved.deadline += 1;
        vm.expectPartialRevert(ICaliberHealth.AttestorSignatureInvalid.selector);
        gate.check(digest, approved, signatures);
        approved.deadline -= 1;
        vm.expectRevert(
            abi.encodeWithSelector(ICaliberGate.DigestMismatch.selector, digest, keccak256("another digest"))
        );
        gate.check(keccak256("another digest"), approved, signatures);
        approved.fingerprints = new bytes32[](1);
        vm.expectRevert(ICaliberGate.ApprovalMalformed.selector);
        gate.check(digest, approved, signatures);
    }

    function test_noPolicyAcceptsWhatNobodyVouchesFor() public {
        uint256[5] memory policies = [
            uint256(0),
            1 << uint8(State.Unknown),
            1 << uint8(State.Stale),
            (1 << uint8(State.Healthy)) | (1 << uint8(State.Lost)),
            1 << 200
        ];
        for (uint256 i = 0; i < policies.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICaliberGate.PolicyInvalid.selector, policies[i]));
            new CaliberGate(token, health, timelock, address(router), policies[i], 0, false);
        }
    }
}
