// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestorSignature, State} from "./HealthTypes.sol";

/// @notice What attestors approve for a loan. EIP-712 type, in the gate's domain:
/// GateApproval(bytes32 digest,uint256[] tokenIds,bytes32[] fingerprints,uint64 deadline)
/// @dev `digest` is the router's EIP-712 digest of LoanTermsApproval(loanTermsHash), which the gate computes.
/// @param loanTermsHash The loan.
/// @param tokenIds Its collateral, in the loan's own order.
/// @param fingerprints Each token's fingerprint (ERC-5646) as the attestors know it.
/// @param deadline Last second at which the approval may be used.
struct GateApproval {
    bytes32 loanTermsHash;
    uint256[] tokenIds;
    bytes32[] fingerprints;
    uint64 deadline;
}

/// @title ICaliberGate
/// @notice An ERC-1271 account for the `approvalAddresses` of a loan. Its signature is
/// `abi.encode(GateApproval, AttestorSignature[])`.
interface ICaliberGate {
    /// @notice A policy accepts at least one of healthy, watch and impaired, and nothing else.
    error PolicyInvalid(uint256 acceptedStates);
    /// @notice The digest is not the router's for the loan that is approved.
    error DigestMismatch(bytes32 expected, bytes32 given);
    /// @notice The approval's last usable second has passed.
    error ApprovalExpired(uint64 deadline);
    /// @notice Token ids and fingerprints are not as many, or none.
    error ApprovalMalformed();
    /// @notice A token is held by somebody else than the timelock.
    error NotInTimelock(uint256 tokenId, address holder);
    /// @notice The tokens are not staged for this loan and router, or their stay has expired.
    error NotStaged(bytes32 loanTermsHash);
    /// @notice The token contract does not know the timelock or the router as a custodian, so that the controllers
    /// that were approved would lapse.
    error CustodianUnknown(address custodian);
    /// @notice The title is not as it was approved.
    error FingerprintMismatch(uint256 tokenId, bytes32 approved, bytes32 found);
    /// @notice The title lacks assurance that the policy asks for.
    error AssuranceMissing(uint256 tokenId, uint8 wanted, uint8 found);
    /// @notice The hardware evidence counts no more.
    error AssuranceStale(uint256 tokenId, uint64 assuredUntil);
    /// @notice The title is under dispute.
    error TokenDisputed(uint256 tokenId, uint64 until);
    /// @notice The token's health is none that the policy accepts.
    error HealthRefused(uint256 tokenId, State state);

    /// @notice Returns if the loan may be originated in this very block, and reverts with the reason otherwise.
    /// @param hash The router's digest, as ERC-1271 gets it.
    function check(bytes32 hash, GateApproval calldata approval, AttestorSignature[] calldata signatures) external view;

    /// @notice The EIP-712 digest that attestors sign to approve a loan.
    function approvalDigest(GateApproval calldata approval) external view returns (bytes32 digest);

    /// @notice The router's EIP-712 digest of LoanTermsApproval(loanTermsHash).
    function loanDigest(bytes32 loanTermsHash) external view returns (bytes32 digest);
}
