// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {CaliberHealth} from "./CaliberHealth.sol";
import {CaliberToken} from "./CaliberToken.sol";
import {GateApproval, ICaliberGate} from "./interfaces/ICaliberGate.sol";
import {ICollateralTimelock} from "./interfaces/ICollateralTimelock.sol";
import {AttestorSignature, State} from "./interfaces/HealthTypes.sol";
import {Title} from "./interfaces/TitleTypes.sol";

/// @title CaliberGate
/// @notice Approves the origination of a loan on CALIBER titles: valid only with the attestors' signatures over the
/// loan, its tokens and their fingerprints, and while, at that very moment, health, assurance, fingerprints and custody
/// are in order. So a GPU that fails after signing still stops the loan.
/// @dev Without storage, roles or an owner: a lender with another policy deploys another gate. It can refuse a loan and
/// nothing else.
contract CaliberGate is ICaliberGate, IERC1271, EIP712 {
    bytes32 private constant DOMAIN_TYPE_HASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant LOAN_APPROVAL_TYPE_HASH = keccak256("LoanTermsApproval(bytes32 loanTermsHash)");
    bytes32 private constant GATE_APPROVAL_TYPE_HASH =
        keccak256("GateApproval(bytes32 digest,uint256[] tokenIds,bytes32[] fingerprints,uint64 deadline)");

    CaliberToken public immutable TOKEN;
    CaliberHealth public immutable HEALTH;
    ICollateralTimelock public immutable TIMELOCK;
    address public immutable ROUTER;
    /// @notice Bit `s` set: state `s` may be pledged.
    uint256 public immutable ACCEPTED_STATES;
    /// @notice Assurance bits that a title must have.
    uint8 public immutable REQUIRED_ASSURANCE;
    /// @notice Whether the hardware evidence must still count (`assuredUntil`).
    bool public immutable NEEDS_PRESENCE;

    /// @param token The titles.
    /// @param health Their health, and the attestors.
    /// @param timelock Where collateral waits for a loan.
    /// @param router Who originates it: LoanRouterV2.
    /// @param acceptedStates See `ACCEPTED_STATES`.
    /// @param requiredAssurance See `REQUIRED_ASSURANCE`.
    /// @param needsPresence See `NEEDS_PRESENCE`.
    constructor(
        CaliberToken token,
        CaliberHealth health,
        ICollateralTimelock timelock,
        address router,
        uint256 acceptedStates,
        uint8 requiredAssurance,
        bool needsPresence
    ) EIP712("CaliberGate", "1") {
        // A state that nobody vouches for, or that is bad by name, is no policy.
        uint256 pledgeable = (1 << uint8(State.Healthy)) | (1 << uint8(State.Watch)) | (1 << uint8(State.Impaired));
        require(acceptedStates != 0 && acceptedStates & ~pledgeable == 0, PolicyInvalid(acceptedStates));
        TOKEN = token;
        HEALTH = health;
        TIMELOCK = timelock;
        ROUTER = router;
        ACCEPTED_STATES = acceptedStates;
        REQUIRED_ASSURANCE = requiredAssurance;
        NEEDS_PRESENCE = needsPresence;
    }

    /// @inheritdoc IERC1271
    /// @dev Reverts with the reason instead of returning another value: whoever checks by ERC-1271 takes both for a no.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (GateApproval memory approval, AttestorSignature[] memory signatures) =
            abi.decode(signature, (GateApproval, AttestorSignature[]));
        this.check(hash, approval, signatures);
        return IERC1271.isValidSignature.selector;
    }

    /// @inheritdoc ICaliberGate
    function check(bytes32 hash, GateApproval calldata approval, AttestorSignature[] calldata signatures)
        external
        view
    {
        bytes32 expected = loanDigest(approval.loanTermsHash);
        require(hash == expected, DigestMismatch(expected, hash));
        require(block.timestamp <= approval.deadline, ApprovalExpired(approval.deadline));
        uint256 count = approval.tokenIds.length;
        require(count != 0 && count == approval.fingerprints.length, ApprovalMalformed());
        HEALTH.requireQuorum(approvalDigest(approval), signatures);
        _requireStaged(approval);
        for (uint256 i = 0; i < count; ++i) {
            _requireTitle(approval.tokenIds[i], approval.fingerprints[i]);
            _requireHealth(approval.tokenIds[i]);
        }
    }

    /// @inheritdoc ICaliberGate
    function approvalDigest(GateApproval calldata approval) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    GATE_APPROVAL_TYPE_HASH,
                    loanDigest(approval.loanTermsHash),
                    keccak256(abi.encodePacked(approval.tokenIds)),
                    keccak256(abi.encodePacked(approval.fingerprints)),
                    approval.deadline
                )
            )
        );
    }

    /// @inheritdoc ICaliberGate
    /// @dev Name and version are those of the router's domain.
    function loanDigest(bytes32 loanTermsHash) public view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPE_HASH, keccak256("USDai Loan Router V2"), keccak256("1.0"), block.chainid, ROUTER)
        );
        return MessageHashUtils.toTypedDataHash(domain, keccak256(abi.encode(LOAN_APPROVAL_TYPE_HASH, loanTermsHash)));
    }

    /// @dev The receipt's number binds loan, router, token contract and the ids in their order.
    function _requireStaged(GateApproval calldata approval) private view {
        require(TOKEN.isCustodian(address(TIMELOCK)), CustodianUnknown(address(TIMELOCK)));
        require(TOKEN.isCustodian(ROUTER), CustodianUnknown(ROUTER));
        uint256 receipt = TIMELOCK.depositTokenId(ROUTER, approval.loanTermsHash, address(TOKEN), approval.tokenIds);
        (address depositor,,,,, uint64 expiration) = TIMELOCK.depositInfo(receipt);
        require(depositor != address(0) && block.timestamp < expiration, NotStaged(approval.loanTermsHash));
    }

    function _requireTitle(uint256 tokenId, bytes32 approved) private view {
        address holder = TOKEN.ownerOf(tokenId);
        require(holder == address(TIMELOCK), NotInTimelock(tokenId, holder));
        bytes32 found = TOKEN.getStateFingerprint(tokenId);
        require(found == approved, FingerprintMismatch(tokenId, approved, found));
        Title memory title = TOKEN.titleOf(tokenId);
        uint8 assurance = title.assurance;
        require(
            assurance & REQUIRED_ASSURANCE == REQUIRED_ASSURANCE,
            AssuranceMissing(tokenId, REQUIRED_ASSURANCE, assurance)
        );
        require(title.disputedUntil < block.timestamp, TokenDisputed(tokenId, title.disputedUntil));
    }

    function _requireHealth(uint256 tokenId) private view {
        (State state,,,, uint64 assuredUntil,) = HEALTH.healthOf(tokenId);
        require((ACCEPTED_STATES >> uint8(state)) & 1 == 1, HealthRefused(tokenId, state));
        require(!NEEDS_PRESENCE || block.timestamp <= assuredUntil, AssuranceStale(tokenId, assuredUntil));
    }
}
