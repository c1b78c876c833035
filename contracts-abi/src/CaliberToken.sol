// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {ICaliberToken, MintAuthorization, Title} from "./interfaces/ICaliberToken.sol";
import {IERC5646} from "./interfaces/IERC5646.sol";
import {IERC7572} from "./interfaces/IERC7572.sol";
import {Assurance} from "./libraries/Assurance.sol";
import {DeviceKey} from "./libraries/DeviceKey.sol";
import {MintAuthorizationHash} from "./libraries/MintAuthorizationHash.sol";
import {TitleMetadata} from "./libraries/TitleMetadata.sol";

/// @title CaliberToken
/// @notice Documents of title to GPUs. A plain transferable ERC-721: `_update` is not overridden, because a title
/// that cannot move bricks the loan written on it.
/// @dev One live token per device key, per weak identity and per nonzero strong identity. Ids say nothing about the
/// hardware, so that they outlive it.
contract CaliberToken is ICaliberToken, IERC4906, IERC5646, IERC7572, ERC721, EIP712, AccessControlDefaultAdminRules {
    /// @dev tokenId: live token, zero for none. nonce: next to be used; it survives a burn, so that zero and a used
    /// nonce together mean retired.
    struct KeySlot {
        uint64 tokenId;
        uint64 nonce;
    }

    /// @dev live: zero for none. last: survives a burn.
    struct IdentitySlot {
        uint64 live;
        uint64 last;
    }

    /// @notice May mint (together with the device) and amend.
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR_ROLE");

    uint64 private _minted;
    uint64 private _redeemed;
    mapping(uint256 tokenId => Title) private _titles;
    mapping(bytes32 deviceKeyHash => KeySlot) private _keys;
    mapping(bytes32 identity => IdentitySlot) private _identities;

    /// @param adminDelay Seconds between the two steps of handing over the admin role.
    /// @param admin First admin.
    /// @param registrar First holder of REGISTRAR_ROLE.
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
        returns (uint256)
    {
        _requireWellFormed(authorization);
        _requireSignedByDevice(authorization, qx, qy, r, s);
        uint64 tokenId = ++_minted;
        _bindKey(authorization.deviceKeyHash, authorization.nonce, tokenId);
        _requireIdentitiesFree(authorization);
        _requirePredecessorNamed(authorization);
        _bindIdentity(authorization.weakIdentity, tokenId);
        if (authorization.strongIdentity != bytes32(0)) _bindIdentity(authorization.strongIdentity, tokenId);
        _writeTitle(authorization, tokenId);
        // Not _safeMint: the recipient was signed for, and a callback would let it refuse or re-enter.
        _mint(authorization.recipient, tokenId);
        return tokenId;
    }

    /// @inheritdoc ICaliberToken
    function amend(uint256 tokenId, bytes32 evidence, uint8 assurance) external onlyRole(REGISTRAR_ROLE) {
        _requireOwned(tokenId);
        require(evidence != bytes32(0), EvidenceMissing());
        Title storage title = _titles[tokenId];
        Assurance.requireSound(assurance, title.strongIdentity);
        uint8 oldAssurance = title.assurance;
        uint64 number = ++title.amendments;
        title.evidence = evidence;
        title.assurance = assurance;
        emit TitleAmended(tokenId, number, msg.sender, evidence, oldAssurance, assurance);
        emit MetadataUpdate(tokenId);
    }

    /// @inheritdoc ICaliberToken
    function redeem(uint256 tokenId) external {
        require(ownerOf(tokenId) == msg.sender, NotTokenOwner(tokenId, msg.sender));
        Title storage title = _titles[tokenId];
        bytes32 deviceKeyHash = title.deviceKeyHash;
        _keys[deviceKeyHash].tokenId = 0;
        _identities[title.weakIdentity].live = 0;
        bytes32 strongIdentity = title.strongIdentity;
        if (strongIdentity != bytes32(0)) _identities[strongIdentity].live = 0;
        delete _titles[tokenId];
        ++_redeemed;
        _burn(tokenId);
        emit TitleRedeemed(tokenId, deviceKeyHash, msg.sender);
    }

    /// @inheritdoc ICaliberToken
    function titleOf(uint256 tokenId) external view returns (Title memory) {
        _requireOwned(tokenId);
        return _titles[tokenId];
    }

    /// @inheritdoc ICaliberToken
    function tokenOfKey(bytes32 deviceKeyHash) external view returns (uint64 tokenId, uint64 nonce) {
        KeySlot storage slot = _keys[deviceKeyHash];
        return (slot.tokenId, slot.nonce);
    }

    /// @inheritdoc ICaliberToken
    function tokenOfIdentity(bytes32 identity) external view returns (uint256) {
        return _identities[identity].live;
    }

    /// @inheritdoc ICaliberToken
    function lastTokenOfIdentity(bytes32 identity) external view returns (uint256) {
        return _identities[identity].last;
    }

    /// @inheritdoc ICaliberToken
    /// @dev The strong identity goes first: a declared one is anyone's to choose, and a fresh one must not wash the
    /// history off known silicon. Nothing is ever bound to identity zero, so its last token is zero.
    function predecessorOf(bytes32 strongIdentity, bytes32 weakIdentity) public view returns (uint256) {
        uint64 strongLast = _identities[strongIdentity].last;
        return strongLast != 0 ? strongLast : _identities[weakIdentity].last;
    }

    /// @inheritdoc ICaliberToken
    function mintDigestPreimage(MintAuthorization calldata authorization) public view returns (bytes memory) {
        return bytes.concat(hex"1901", _domainSeparatorV4(), MintAuthorizationHash.hash(authorization));
    }

    /// @inheritdoc ICaliberToken
    function totalMinted() external view returns (uint256) {
        return _minted;
    }

    /// @inheritdoc ICaliberToken
    function totalSupply() external view returns (uint256) {
        return _minted - _redeemed;
    }

    /// @inheritdoc IERC5646
    /// @dev Key, identities, assurance and header; evidence and amendment numbers may move without it.
    function getStateFingerprint(uint256 tokenId) external view returns (bytes32) {
        _requireOwned(tokenId);
        Title storage title = _titles[tokenId];
        return keccak256(
            abi.encode(
                tokenId,
                title.deviceKeyHash,
                title.strongIdentity,
                title.weakIdentity,
                title.assurance,
                title.headerHash
            )
        );
    }

    /// @inheritdoc ERC721
    /// @return uri A `data:` URI with complete JSON, from chain state alone.
    function tokenURI(uint256 tokenId) public view override returns (string memory uri) {
        _requireOwned(tokenId);
        return TitleMetadata.tokenUri(tokenId, _titles[tokenId]);
    }

    /// @inheritdoc IERC7572
    function contractURI() external pure returns (string memory) {
        return TitleMetadata.contractUri();
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

    /// @dev What can be told from the authorization alone.
    function _requireWellFormed(MintAuthorization calldata authorization) private view {
        require(block.timestamp <= authorization.deadline, AuthorizationExpired(authorization.deadline));
        require(authorization.weakIdentity != bytes32(0), WeakIdentityMissing());
        require(
            authorization.strongIdentity != authorization.weakIdentity, IdentityRepeated(authorization.weakIdentity)
        );
        require(authorization.evidence != bytes32(0), EvidenceMissing());
        require(authorization.logOrigin != bytes32(0), LogOriginMissing());
        Assurance.requireSound(authorization.assurance, authorization.strongIdentity);
    }

    /// @dev The registrar alone can mint nothing: the device's key must have signed exactly this authorization.
    function _requireSignedByDevice(
        MintAuthorization calldata authorization,
        bytes32 qx,
        bytes32 qy,
        bytes32 r,
        bytes32 s
    ) private view {
        bytes32 keyHash = DeviceKey.hash(qx, qy);
        require(keyHash == authorization.deviceKeyHash, DeviceKeyMismatch(keyHash, authorization.deviceKeyHash));
        bytes32 digest = sha256(mintDigestPreimage(authorization));
        require(P256.verify(digest, r, s, qx, qy), DeviceSignatureInvalid(keyHash));
    }

    function _requirePredecessorNamed(MintAuthorization calldata authorization) private view {
        uint256 predecessor = predecessorOf(authorization.strongIdentity, authorization.weakIdentity);
        require(authorization.predecessor == predecessor, PredecessorMismatch(predecessor, authorization.predecessor));
    }

    function _bindKey(bytes32 deviceKeyHash, uint64 nonce, uint64 tokenId) private {
        KeySlot storage slot = _keys[deviceKeyHash];
        require(slot.tokenId == 0, KeyTaken(deviceKeyHash, slot.tokenId));
        require(slot.nonce == 0, KeyRetired(deviceKeyHash));
        require(slot.nonce == nonce, NonceMismatch(slot.nonce, nonce));
        slot.tokenId = tokenId;
        slot.nonce = nonce + 1;
    }

    /// @dev Nothing is ever bound to identity zero, so an absent strong identity is free.
    function _requireIdentitiesFree(MintAuthorization calldata authorization) private view {
        uint64 holder = _identities[authorization.strongIdentity].live;
        require(holder == 0, IdentityTaken(authorization.strongIdentity, holder));
        holder = _identities[authorization.weakIdentity].live;
        require(holder == 0, IdentityTaken(authorization.weakIdentity, holder));
    }

    function _bindIdentity(bytes32 identity, uint64 tokenId) private {
        _identities[identity] = IdentitySlot({live: tokenId, last: tokenId});
    }

    /// @dev The predecessor has been compared with an id, so the narrowing loses nothing.
    function _writeTitle(MintAuthorization calldata authorization, uint64 tokenId) private {
        _titles[tokenId] = Title({
            deviceKeyHash: authorization.deviceKeyHash,
            strongIdentity: authorization.strongIdentity,
            weakIdentity: authorization.weakIdentity,
            evidence: authorization.evidence,
            logOrigin: authorization.logOrigin,
            headerHash: authorization.headerHash,
            assurance: authorization.assurance,
            mintedAt: uint64(block.timestamp),
            amendments: 0,
            predecessor: uint64(authorization.predecessor)
        });
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
}
