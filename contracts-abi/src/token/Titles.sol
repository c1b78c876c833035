// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC5646} from "../interfaces/IERC5646.sol";
import {Amendment, MintAuthorization, Title} from "../interfaces/TitleTypes.sol";
import {Assurance} from "../libraries/Assurance.sol";
import {TitleBindings} from "./TitleBindings.sol";
import {TitleHeaders} from "./TitleHeaders.sol";

/// @title Titles
/// @notice What each token stands for, who consents for it, and its fingerprint.
/// @dev Moving a token never fails for anything that is kept here: `_update` adds no condition.
abstract contract Titles is TitleBindings, TitleHeaders, ERC721, IERC4906, IERC5646 {
    /// @dev Five slots. The last six members share one.
    struct StoredTitle {
        bytes32 deviceKeyHash;
        bytes32 strongIdentity;
        bytes32 weakIdentity;
        bytes32 evidence;
        uint8 assurance;
        uint40 mintedAt;
        uint32 amendments;
        uint48 predecessor;
        uint32 context;
        uint40 disputedUntil;
    }

    mapping(uint256 tokenId => StoredTitle) internal _titles;
    mapping(uint256 tokenId => address) private _controllers;
    mapping(address account => bool) private _custodians;

    /// @inheritdoc IERC5646
    /// @dev Exactly what a lender relies on in the title: key, identities, assurance, header, controller. Evidence,
    /// amendment numbers, disputes and health may move without it.
    function getStateFingerprint(uint256 tokenId) public view returns (bytes32) {
        _requireOwned(tokenId);
        StoredTitle storage title = _titles[tokenId];
        return keccak256(
            abi.encode(
                tokenId,
                title.deviceKeyHash,
                title.strongIdentity,
                title.weakIdentity,
                title.assurance,
                _contextOf(title.context).headerHash,
                _controllers[tokenId]
            )
        );
    }

    function titleOf(uint256 tokenId) public view returns (Title memory) {
        _requireOwned(tokenId);
        StoredTitle storage title = _titles[tokenId];
        Context memory context = _contextOf(title.context);
        return Title({
            deviceKeyHash: title.deviceKeyHash,
            strongIdentity: title.strongIdentity,
            weakIdentity: title.weakIdentity,
            evidence: title.evidence,
            logOrigin: context.logOrigin,
            headerHash: context.headerHash,
            assurance: title.assurance,
            mintedAt: title.mintedAt,
            amendments: title.amendments,
            predecessor: title.predecessor,
            disputedUntil: title.disputedUntil,
            controller: _controllers[tokenId]
        });
    }

    function consenterOf(uint256 tokenId) public view returns (address) {
        address owner = _requireOwned(tokenId);
        address controller = _controllers[tokenId];
        return controller == address(0) ? owner : controller;
    }

    function isCustodian(address account) external view returns (bool) {
        return _custodians[account];
    }

    function setController(uint256 tokenId, address controller) external {
        address owner = _requireOwned(tokenId);
        require(msg.sender == owner || msg.sender == _controllers[tokenId], NotInControl(tokenId, msg.sender));
        _setController(tokenId, controller);
    }

    function _setCustodian(address account, bool known) internal {
        _custodians[account] = known;
        emit CustodianSet(account, known);
    }

    /// @dev A controller named by one holder must not bind the next: it outlives only a transfer into known custody.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from != address(0) && _controllers[tokenId] != address(0) && !_custodians[to]) {
            _setController(tokenId, address(0));
        }
    }

    function _setController(uint256 tokenId, address controller) private {
        _controllers[tokenId] = controller;
        emit ControllerChanged(tokenId, controller);
        emit MetadataUpdate(tokenId);
    }

    /// @dev What can be told from a statement about hardware alone.
    function _requireWellFormed(bytes32 strongIdentity, bytes32 weakIdentity, bytes32 evidence, bytes32 logOrigin)
        internal
        pure
    {
        require(weakIdentity != bytes32(0), WeakIdentityMissing());
        require(strongIdentity != weakIdentity, IdentityRepeated(weakIdentity));
        require(evidence != bytes32(0), EvidenceMissing());
        require(logOrigin != bytes32(0), LogOriginMissing());
    }

    function _requireInTime(uint64 deadline) internal view {
        require(block.timestamp <= deadline, AuthorizationExpired(deadline));
    }

    /// @dev The predecessor has been compared with an id, so the narrowing loses nothing.
    function _writeTitle(MintAuthorization calldata authorization, uint64 tokenId) internal {
        StoredTitle storage title = _titles[tokenId];
        title.deviceKeyHash = authorization.deviceKeyHash;
        title.strongIdentity = authorization.strongIdentity;
        title.weakIdentity = authorization.weakIdentity;
        title.evidence = authorization.evidence;
        uint32 context = _contextNumber(authorization.headerHash, authorization.logOrigin);
        title.assurance = authorization.assurance;
        title.mintedAt = uint40(block.timestamp);
        title.predecessor = uint48(authorization.predecessor);
        title.context = context;
        emit TitleMinted(
            tokenId,
            authorization.deviceKeyHash,
            authorization.recipient,
            authorization.strongIdentity,
            authorization.weakIdentity,
            authorization.evidence,
            authorization.logOrigin,
            authorization.headerHash,
            authorization.assurance,
            authorization.predecessor
        );
    }

    /// @dev The last act of each amendment: numbers it, keeps its evidence and says what the title is now.
    function _recordAmendment(uint256 tokenId, Amendment kind, bytes32 evidence) internal {
        require(evidence != bytes32(0), EvidenceMissing());
        StoredTitle storage title = _titles[tokenId];
        uint32 number = ++title.amendments;
        title.evidence = evidence;
        emit TitleAmended(tokenId, number, msg.sender, kind, evidence, title.assurance, getStateFingerprint(tokenId));
        emit MetadataUpdate(tokenId);
    }

    function _setAssurance(uint256 tokenId, uint8 assurance) internal {
        Assurance.requireSound(assurance, _titles[tokenId].strongIdentity);
        _titles[tokenId].assurance = assurance;
    }
}
