// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/interfaces/IERC721.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {CollateralTimelockStandIn} from "./CollateralTimelockStandIn.sol";
import {LenderDepositInfo, LoanState, LoanStatus, LoanTermsV2} from "./LoanTypes.sol";

/// @title LoanRouterV2StandIn
/// @notice For tests only: what USD.AI's LoanRouterV2 does with collateral, behind the same signatures, hashes, EIP-712
/// domain and (v1.2) events. Without money: no currency moves, no interest accrues, a repayment is all principal. One
/// account has all roles.
contract LoanRouterV2StandIn is EIP712, ERC721Holder {
    event LoanOriginated(bytes32 indexed loanTermsHash, bytes loanTerms);
    event LoanRepaid(
        bytes32 indexed loanTermsHash,
        address indexed borrower,
        uint256 principal,
        uint256 interest,
        uint256 prepayment,
        uint256 fee,
        bool isRepaid
    );
    event LoanRefinanced(
        bytes32 indexed oldLoanTermsHash,
        bytes32 indexed newLoanTermsHash,
        bytes newLoanTerms,
        uint256 cashOut,
        uint256 cashIn,
        uint256 refinanceFee
    );
    event LoanBreached(bytes32 indexed loanTermsHash);
    event LoanLiquidated(bytes32 indexed loanTermsHash);
    event LiquidationProceedsDeposited(bytes32 indexed loanTermsHash, uint256 proceeds, uint256 fee, uint256 surplus);

    error InvalidAmount();
    error InvalidCaller();
    error InvalidLength();
    error InvalidLoanState();
    error InvalidLoanTerms(string reason);
    error InvalidSignature();

    bytes32 private constant APPROVAL_TYPE_HASH = keccak256("LoanTermsApproval(bytes32 loanTermsHash)");

    CollateralTimelockStandIn public immutable collateralTimelock;
    address private immutable OPERATOR;

    mapping(bytes32 loanTermsHash => LoanState) private _loans;

    modifier onlyOperator() {
        require(msg.sender == OPERATOR, InvalidCaller());
        _;
    }

    /// @param timelock Where collateral is staged.
    /// @param operator Originator and liquidator.
    constructor(CollateralTimelockStandIn timelock, address operator) EIP712("USDai Loan Router V2", "1.0") {
        collateralTimelock = timelock;
        OPERATOR = operator;
    }

    function originate(
        LoanTermsV2 calldata terms,
        LenderDepositInfo[] calldata deposits,
        bytes[] calldata approvalSignatures
    ) external onlyOperator returns (uint256 principal) {
        bytes32 hash = loanTermsHash(terms);
        require(_loans[hash].status == LoanStatus.Uninitialized, InvalidLoanState());
        require(deposits.length == terms.trancheSpecs.length, InvalidLength());
        require(terms.expiration >= block.timestamp, InvalidLoanTerms("expired"));
        require(terms.collateralTokenIds.length != 0, InvalidLoanTerms("no collateral"));
        _requireApproved(hash, terms, approvalSignatures);
        principal = _start(hash, terms);
        collateralTimelock.withdraw(hash, terms.collateralToken, terms.collateralTokenIds);
        emit LoanOriginated(hash, abi.encode(terms));
    }

    function repay(LoanTermsV2 calldata terms, uint256 amount) external {
        bytes32 hash = loanTermsHash(terms);
        LoanState storage loan = _loans[hash];
        require(loan.status == LoanStatus.Active, InvalidLoanState());
        require(msg.sender == terms.borrower, InvalidCaller());
        require(amount != 0 && amount <= loan.balance, InvalidAmount());
        loan.balance -= amount;
        loan.repaymentCount += 1;
        bool isRepaid = loan.balance == 0;
        if (isRepaid) {
            loan.status = LoanStatus.Repaid;
            _release(terms, terms.borrower);
        }
        emit LoanRepaid(hash, msg.sender, amount, 0, 0, 0, isRepaid);
    }

    function refinance(LoanTermsV2 calldata old, LoanTermsV2 calldata next, uint256 expectedBalance)
        external
        onlyOperator
    {
        bytes32 hash = loanTermsHash(old);
        LoanState storage loan = _loans[hash];
        require(loan.status == LoanStatus.Active, InvalidLoanState());
        require(loan.balance == expectedBalance, InvalidAmount());
        bool isSame = old.collateralToken == next.collateralToken
            && keccak256(abi.encode(old.collateralTokenIds)) == keccak256(abi.encode(next.collateralTokenIds));
        require(isSame, InvalidLoanTerms("collateral"));
        loan.status = LoanStatus.Repaid;
        loan.balance = 0;
        bytes32 nextHash = loanTermsHash(next);
        require(_loans[nextHash].status == LoanStatus.Uninitialized, InvalidLoanState());
        _start(nextHash, next);
        emit LoanRefinanced(hash, nextHash, abi.encode(next), 0, 0, 0);
    }

    function setLoanBreach(bytes32 hash) external onlyOperator {
        require(_loans[hash].status == LoanStatus.Active, InvalidLoanState());
        _loans[hash].status = LoanStatus.Breached;
        emit LoanBreached(hash);
    }

    function liquidate(LoanTermsV2 calldata terms) external onlyOperator {
        bytes32 hash = loanTermsHash(terms);
        require(_loans[hash].status == LoanStatus.Breached, InvalidLoanState());
        _loans[hash].status = LoanStatus.Liquidated;
        _release(terms, msg.sender);
        emit LoanLiquidated(hash);
    }

    function depositLiquidationProceeds(LoanTermsV2 calldata terms, uint256 proceeds) external onlyOperator {
        bytes32 hash = loanTermsHash(terms);
        require(_loans[hash].status == LoanStatus.Liquidated, InvalidLoanState());
        _loans[hash].status = LoanStatus.CollateralLiquidated;
        _loans[hash].balance = 0;
        emit LiquidationProceedsDeposited(hash, proceeds, 0, 0);
    }

    function loanTermsHash(LoanTermsV2 calldata terms) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, terms));
    }

    function loanState(bytes32 hash)
        external
        view
        returns (LoanStatus status, uint16 repaymentCount, uint64 originationTimestamp, uint256 scaledBalance)
    {
        LoanState memory loan = _loans[hash];
        return (loan.status, loan.repaymentCount, loan.originationTimestamp, loan.balance);
    }

    function _requireApproved(bytes32 hash, LoanTermsV2 calldata terms, bytes[] calldata signatures) private view {
        if (terms.approvalAddresses.length == 0) return;
        require(signatures.length == terms.approvalAddresses.length, InvalidLength());
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(APPROVAL_TYPE_HASH, hash)));
        for (uint256 i = 0; i < signatures.length; ++i) {
            bool isValid =
                SignatureChecker.isValidSignatureNowCalldata(terms.approvalAddresses[i], digest, signatures[i]);
            require(isValid, InvalidSignature());
        }
    }

    function _start(bytes32 hash, LoanTermsV2 calldata terms) private returns (uint256 principal) {
        for (uint256 i = 0; i < terms.trancheSpecs.length; ++i) {
            principal += terms.trancheSpecs[i].amount;
        }
        _loans[hash] = LoanState(LoanStatus.Active, 0, uint64(block.timestamp), principal);
    }

    function _release(LoanTermsV2 calldata terms, address to) private {
        for (uint256 i = 0; i < terms.collateralTokenIds.length; ++i) {
            IERC721(terms.collateralToken).safeTransferFrom(address(this), to, terms.collateralTokenIds[i]);
        }
    }
}
