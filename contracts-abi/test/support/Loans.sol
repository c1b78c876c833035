// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberGate} from "../../src/CaliberGate.sol";
import {AttestorSignature, HealthLeaf, State} from "../../src/interfaces/HealthTypes.sol";
import {GateApproval} from "../../src/interfaces/ICaliberGate.sol";
import {CollateralTimelockStandIn} from "../../src/testing/CollateralTimelockStandIn.sol";
import {LoanRouterV2StandIn} from "../../src/testing/LoanRouterV2StandIn.sol";
import {
    InterestRateSpec,
    LenderDepositInfo,
    LoanStatus,
    LoanTermsV2,
    RepaymentSpec,
    TrancheSpec
} from "../../src/testing/LoanTypes.sol";
import {Amendments} from "./Amendments.sol";
import {HealthFixture} from "./HealthFixture.sol";

/// @notice Two titles of one borrower, healthy, and a loan on them that the gate has to approve.
abstract contract Loans is Amendments, HealthFixture {
    address internal constant OPERATOR = address(0x0F);
    uint256 internal constant PRINCIPAL = 1_000_000e18;

    CollateralTimelockStandIn internal timelock;
    LoanRouterV2StandIn internal router;
    CaliberGate internal gate;
    uint32 private _epoch;
    uint64 private _sequence;

    function deployLoans() internal {
        deployToken();
        deployHealth();
        timelock = new CollateralTimelockStandIn();
        router = new LoanRouterV2StandIn(timelock, OPERATOR);
        gate = new CaliberGate(token, health, timelock, address(router), 1 << uint8(State.Healthy), 2, true);
        vm.startPrank(CUSTODY);
        token.setCustodian(address(timelock), true);
        token.setCustodian(address(router), true);
        vm.stopPrank();
        mintFor(1);
        mintFor(2);
        vm.startPrank(HOLDER);
        token.setController(1, controller());
        token.setController(2, controller());
        token.setApprovalForAll(address(timelock), true);
        vm.stopPrank();
        setHealth(State.Healthy, State.Healthy);
    }

    function setHealth(State first, State second) internal {
        HealthLeaf[] memory leaves = new HealthLeaf[](2);
        leaves[0] = leafOf(1, ++_sequence, first);
        leaves[1] = leafOf(2, _sequence, second);
        leaves[0].validUntil = leaves[1].validUntil = uint64(block.timestamp + 2 hours);
        post(++_epoch, keccak256("root"), 2, uint64(block.timestamp + 3 hours), leaves);
    }

    function ids() internal pure returns (uint256[] memory tokenIds) {
        tokenIds = new uint256[](2);
        (tokenIds[0], tokenIds[1]) = (1, 2);
    }

    function terms() internal view returns (LoanTermsV2 memory loan) {
        loan.expiration = uint64(START + 30 days);
        loan.borrower = HOLDER;
        loan.currencyToken = address(0xC0);
        loan.collateralToken = address(token);
        loan.repaymentSpec = RepaymentSpec(1080, 15, -18_000);
        loan.interestRateSpec = InterestRateSpec(address(0), "");
        loan.collateralTokenIds = ids();
        loan.trancheSpecs = new TrancheSpec[](1);
        loan.trancheSpecs[0] = TrancheSpec(controller(), PRINCIPAL, 3_000_000_000);
        loan.approvalAddresses = new address[](1);
        loan.approvalAddresses[0] = address(gate);
    }

    function stage() internal {
        bytes32 hash = router.loanTermsHash(terms());
        vm.prank(HOLDER);
        timelock.deposit(address(router), hash, address(token), ids(), uint64(block.timestamp + 7 days));
    }

    function approval() internal view returns (GateApproval memory approved) {
        approved.loanTermsHash = router.loanTermsHash(terms());
        approved.tokenIds = ids();
        approved.fingerprints = new bytes32[](2);
        approved.fingerprints[0] = token.getStateFingerprint(1);
        approved.fingerprints[1] = token.getStateFingerprint(2);
        approved.deadline = uint64(block.timestamp + 1 days);
    }

    /// @dev What `caliber registry approve` gives out.
    function signed(GateApproval memory approved) internal view returns (bytes memory) {
        return abi.encode(approved, quorumOver(gate.approvalDigest(approved)));
    }

    function originate(bytes memory signature) internal {
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = signature;
        vm.prank(OPERATOR);
        router.originate(terms(), new LenderDepositInfo[](1), signatures);
    }

    /// @dev Why the gate refuses, and that the router then does.
    function expectStopped(GateApproval memory approved, bytes memory reason) internal {
        AttestorSignature[] memory signatures = quorumOver(gate.approvalDigest(approved));
        bytes32 digest = gate.loanDigest(approved.loanTermsHash);
        vm.expectRevert(reason);
        gate.check(digest, approved, signatures);
        bytes[] memory given = new bytes[](1);
        given[0] = abi.encode(approved, signatures);
        LoanTermsV2 memory loan = terms();
        vm.expectRevert(LoanRouterV2StandIn.InvalidSignature.selector);
        vm.prank(OPERATOR);
        router.originate(loan, new LenderDepositInfo[](1), given);
    }

    function statusOf() internal view returns (LoanStatus status) {
        (status,,,) = router.loanState(router.loanTermsHash(terms()));
    }
}
