// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ICaliberToken} from "./interfaces/ICaliberToken.sol";
import {IERC5646} from "./interfaces/IERC5646.sol";
import {IERC7572} from "./interfaces/IERC7572.sol";
import {DeviceProof, Header, MintAuthorization, Replacement, Rotation, Title} from "./interfaces/TitleTypes.sol";
import {Assurance} from "./libraries/Assurance.sol";
import {DeviceKey} from "./libraries/DeviceKey.sol";
import {TitleHashes} from "./libraries/TitleHashes.sol";
import {TitleAmendments} from "./token/TitleAmendments.sol";
import {TitleRenderer} from "./token/TitleRenderer.sol";

/// @title CaliberToken
/// @notice Documents of title to GPUs. A plain transferable ERC-721: nothing here can keep a token from moving,
/// because a title that cannot move bricks the loan written on it.
/// @dev One live token per device key, per weak identity and per nonzero strong identity. Ids say nothing about the
/// hardware, so that they outlive it. Pausing stops what the registrar and the arbiter can do, never the holder.
contract CaliberToken is TitleAmendments, IERC7572, AccessControlDefaultAdminRules, Pausable {
    /// @notice May mint (together with the device), amend (together with whom the amendment needs) and register
    /// headers.
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR_ROLE");
    /// @notice May open and close disputes.
    bytes32 public constant ARBITER_ROLE = keccak256("ARBITER_ROLE");
    /// @notice May say which accounts are known custodians.
    bytes32 public constant CUSTODY_ROLE = keccak256("CUSTODY_ROLE");
    /// @notice May pause what the registrar and the arbiter do.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    /// @notice Writes `tokenURI`. Deployed by the constructor, without state.
    TitleRenderer public immutable RENDERER = new TitleRenderer();

    uint64 private _minted;
    uint64 private _redeemed;
    string private _registryUri;

    /// @param adminDelay Seconds between the two steps of handing over the admin role.
    /// @param admin First admin.
    /// @param registrar First holder of REGISTRAR_ROLE. The other roles are the admin's to give.
    constructor(uint48 adminDelay, address admin, address registrar)
        ERC721("CaliberToken", "CALIBER")
        EIP712("CaliberToken", "1")
        AccessControlDefaultAdminRules(adminDelay, admin)
    {
        _grantRole(REGISTRAR_ROLE, registrar);
    }

    /// @inheritdoc ICaliberToken
    function mint(MintAuthorization calldata authorization, bytes32 qx, bytes32 qy, bytes32 r, bytes32 s)
        external
        onlyRole(REGISTRAR_ROLE)
        whenNotPaused
        returns (uint256)
    {
        _requireInTime(authorization.deadline);
        _requireWellFormed(
            authorization.strongIdentity, authorization.weakIdentity, authorization.evidence, authorization.logOrigin
        );
        Assurance.requireSound(authorization.assurance, authorization.strongIdentity);
        // The registrar alone can mint nothing: the device's key must have signed exactly this authorization.
        DeviceKey.requireSigned(authorization.deviceKeyHash, sha256(mintDigestPreimage(authorization)), qx, qy, r, s);
        uint64 tokenId = ++_minted;
        _bindKey(authorization.deviceKeyHash, authorization.nonce, tokenId);
        _bindIdentities(authorization.strongIdentity, authorization.weakIdentity, tokenId, authorization.predecessor);
        _writeTitle(authorization, tokenId);
        // Not _safeMint: the recipient was signed for, and a callback would let it refuse or re-enter.
        _mint(authorization.recipient, tokenId);
        return tokenId;
    }

    /// @inheritdoc ICaliberToken
    function amend(uint256 tokenId, bytes32 evidence, uint8 assurance) external onlyRole(REGISTRAR_ROLE) whenNotPaused {
        _amend(tokenId, evidence, assurance);
    }

    /// @inheritdoc ICaliberToken
    function rotate(Rotation calldata rotation, DeviceProof calldata oldKey, DeviceProof calldata newKey)
        external
        onlyRole(REGISTRAR_ROLE)
        whenNotPaused
    {
        _rotate(rotation, oldKey, newKey);
    }

    /// @inheritdoc ICaliberToken
    function replace(Replacement calldata replacement, DeviceProof calldata device, bytes calldata consent)
        external
        onlyRole(REGISTRAR_ROLE)
        whenNotPaused
    {
        _replace(replacement, device, consent);
    }

    /// @inheritdoc ICaliberToken
    function openDispute(uint256 tokenId, bytes32 evidence, uint64 until)
        external
        onlyRole(ARBITER_ROLE)
        whenNotPaused
    {
        _openDispute(tokenId, evidence, until);
    }

    /// @inheritdoc ICaliberToken
    function closeDispute(uint256 tokenId, bytes32 evidence) external onlyRole(ARBITER_ROLE) {
        _closeDispute(tokenId, evidence);
    }

    /// @inheritdoc ICaliberToken
    function redeem(uint256 tokenId) external {
        require(ownerOf(tokenId) == msg.sender, NotTokenOwner(tokenId, msg.sender));
        StoredTitle memory title = _titles[tokenId];
        require(title.disputedUntil < block.timestamp, TitleDisputed(tokenId, title.disputedUntil));
        _retireKey(title.deviceKeyHash);
        _freeIdentities(title.strongIdentity, title.weakIdentity);
        delete _titles[tokenId];
        ++_redeemed;
        _burn(tokenId);
        emit TitleRedeemed(tokenId, title.deviceKeyHash, msg.sender);
    }

    /// @inheritdoc ICaliberToken
    function registerHeader(Header calldata header) external onlyRole(REGISTRAR_ROLE) returns (bytes32) {
        return _registerHeader(header);
    }

    /// @inheritdoc ICaliberToken
    function setCustodian(address custodian, bool known) external onlyRole(CUSTODY_ROLE) {
        _setCustodian(custodian, known);
    }

    /// @notice Sets where a registry shows more of a title than the chain holds: `uri` followed by the token's id
    /// becomes `external_url` of its metadata. Empty for none.
    function setRegistryUri(string calldata uri) external onlyRole(REGISTRAR_ROLE) {
        _registryUri = uri;
        emit BatchMetadataUpdate(1, _minted);
    }

    /// @notice Stops minting, amendments and new disputes. Transfers, redemption, controllers and the end of disputes
    /// go on.
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @notice Ends the pause.
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @inheritdoc ICaliberToken
    function mintDigestPreimage(MintAuthorization calldata authorization) public view returns (bytes memory) {
        return _preimage(TitleHashes.hash(authorization));
    }

    /// @inheritdoc ICaliberToken
    function totalMinted() external view returns (uint256) {
        return _minted;
    }

    /// @inheritdoc ICaliberToken
    function totalSupply() external view returns (uint256) {
        return _minted - _redeemed;
    }

    /// @inheritdoc ERC721
    /// @return uri A `data:` URI with complete JSON, from chain state alone.
    function tokenURI(uint256 tokenId) public view override returns (string memory uri) {
        Title memory title = titleOf(tokenId);
        Header memory header;
        if (title.headerHash != bytes32(0)) header = headerOf(title.headerHash);
        return RENDERER.tokenUri(tokenId, title, header, getStateFingerprint(tokenId), _registryUri);
    }

    /// @inheritdoc IERC7572
    function contractURI() external view returns (string memory) {
        return RENDERER.contractUri();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC721, AccessControlDefaultAdminRules, IERC165)
        returns (bool)
    {
        return interfaceId == bytes4(0x49064906) // ERC-4906 has events only, so its identifier is by decree
            || interfaceId == type(IERC5646).interfaceId || super.supportsInterface(interfaceId);
    }
}
