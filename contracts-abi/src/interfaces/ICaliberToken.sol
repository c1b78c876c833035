// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Amendment, DeviceProof, Header, MintAuthorization, Replacement, Rotation, Title} from "./TitleTypes.sol";

/// @title ICaliberToken
/// @notice ERC-721 titles, one for one GPU, minted by the registrar together with the device's own key.
interface ICaliberToken {
    /// @notice A title came into being.
    event TitleMinted(
        uint256 indexed tokenId,
        bytes32 indexed deviceKeyHash,
        address indexed recipient,
        bytes32 strongIdentity,
        bytes32 weakIdentity,
        bytes32 evidence,
        bytes32 logOrigin,
        bytes32 headerHash,
        uint8 assurance,
        uint256 predecessor
    );

    /// @notice What is known about a title changed: amendment `number` by `attester`, resting on `evidence`.
    event TitleAmended(
        uint256 indexed tokenId,
        uint64 indexed number,
        address indexed attester,
        Amendment kind,
        bytes32 evidence,
        uint8 assurance,
        bytes32 fingerprint
    );

    /// @notice A title's device has another key; the old one is retired. Follows or is part of an amendment.
    event DeviceKeyChanged(uint256 indexed tokenId, bytes32 indexed oldKeyHash, bytes32 indexed newKeyHash);

    /// @notice A title stands for other silicon. `predecessor` is the last token of the silicon that came in.
    event IdentityChanged(
        uint256 indexed tokenId, bytes32 indexed strongIdentity, bytes32 indexed weakIdentity, uint256 predecessor
    );

    /// @notice A title has another header.
    event HeaderChanged(uint256 indexed tokenId, bytes32 indexed headerHash);

    /// @notice A title has another controller; zero: none. It lapses when the token leaves known custodians.
    event ControllerChanged(uint256 indexed tokenId, address indexed controller);

    /// @notice A title was given up by its owner; its key is retired, its identities are free again.
    event TitleRedeemed(uint256 indexed tokenId, bytes32 indexed deviceKeyHash, address indexed redeemer);

    /// @notice A header can be used.
    event HeaderRegistered(bytes32 indexed headerHash, Header header);

    /// @notice A controller outlives a transfer to this account, or no longer does.
    event CustodianSet(address indexed custodian, bool known);

    /// @notice The authorization's last usable second has passed.
    error AuthorizationExpired(uint64 deadline);
    /// @notice The public key given does not hash to the key hash that was signed for.
    error DeviceKeyMismatch(bytes32 computed, bytes32 authorized);
    /// @notice The device's signature does not verify, or its s is above half the group order.
    error DeviceSignatureInvalid(bytes32 deviceKeyHash);
    /// @notice The key has a live token.
    error KeyTaken(bytes32 deviceKeyHash, uint256 tokenId);
    /// @notice The key had a token once; retired keys never come back.
    error KeyRetired(bytes32 deviceKeyHash);
    /// @notice The key is not the title's.
    error KeyNotOfTitle(uint256 tokenId, bytes32 deviceKeyHash);
    /// @notice The identity has a live token.
    error IdentityTaken(bytes32 identity, uint256 tokenId);
    /// @notice The strong identity is the weak one again.
    error IdentityRepeated(bytes32 identity);
    /// @notice The weak identity is zero.
    error WeakIdentityMissing();
    /// @notice No evidence is named.
    error EvidenceMissing();
    /// @notice No log is named, so that nobody could find the evidence.
    error LogOriginMissing();
    /// @notice The header was never registered.
    error HeaderUnknown(bytes32 headerHash);
    /// @notice The assurance has bits this contract gives no meaning to.
    error AssuranceUnknown(uint8 assurance);
    /// @notice Silicon identity is claimed where there is no strong identity.
    error AssuranceUnfounded(uint8 assurance);
    /// @notice The authorization's nonce is not the key's next one.
    error NonceMismatch(uint64 expected, uint64 given);
    /// @notice The authorization does not name the hardware's last token.
    error PredecessorMismatch(uint256 expected, uint256 given);
    /// @notice The title is not as the signers knew it.
    error FingerprintMismatch(bytes32 expected, bytes32 given);
    /// @notice The consenting party has not signed this.
    error ConsentInvalid(address consenter);
    /// @notice Only the token's owner may do this; approved operators may not.
    error NotTokenOwner(uint256 tokenId, address caller);
    /// @notice Only the token's owner or its controller may do this.
    error NotInControl(uint256 tokenId, address caller);
    /// @notice A dispute is open until then.
    error TitleDisputed(uint256 tokenId, uint64 until);
    /// @notice A dispute ends in the future, and within `MAX_DISPUTE`.
    error DisputeEndInvalid(uint64 until);
    /// @notice There is no dispute to close.
    error DisputeMissing(uint256 tokenId);

    /// @notice Mints the title of a device. Needs REGISTRAR_ROLE and the device's P-256 signature over
    /// `sha256(mintDigestPreimage(authorization))`.
    /// @param authorization What the device signed.
    /// @param qx The device's public key, x.
    /// @param qy The device's public key, y.
    /// @param r Signature, r.
    /// @param s Signature, s (at most half the group order).
    /// @return tokenId The new token: ids are sequential from 1.
    function mint(MintAuthorization calldata authorization, bytes32 qx, bytes32 qy, bytes32 r, bytes32 s)
        external
        returns (uint256 tokenId);

    /// @notice Records new evidence and assurance for a title. Needs REGISTRAR_ROLE.
    /// @param tokenId A live token.
    /// @param evidence Statement hash that the amendment rests on; never zero.
    /// @param assurance The assurance from now on.
    function amend(uint256 tokenId, bytes32 evidence, uint8 assurance) external;

    /// @notice Moves a title to its device's next key. Needs REGISTRAR_ROLE and both keys' signatures over
    /// `sha256(rotationPreimage(rotation))`. The silicon stays the same, so nobody else is asked.
    function rotate(Rotation calldata rotation, DeviceProof calldata oldKey, DeviceProof calldata newKey) external;

    /// @notice Puts other hardware, another key or other custody behind a title (RMA, lost key, move). Needs
    /// REGISTRAR_ROLE, the signature of the device that stands in from now on over
    /// `sha256(replacementPreimage(replacement))`, and that of `consenterOf(tokenId)` over its Keccak.
    /// @param consent ECDSA signature of the consenter, or what its ERC-1271 account takes for one.
    function replace(Replacement calldata replacement, DeviceProof calldata device, bytes calldata consent) external;

    /// @notice Names who consents to `replace` in the holder's stead; zero for nobody. Owner or controller only.
    /// Lapses with a transfer to any account that is no known custodian.
    function setController(uint256 tokenId, address controller) external;

    /// @notice Opens or prolongs a dispute: until it ends the title cannot be redeemed; it can still be transferred.
    /// Needs ARBITER_ROLE.
    /// @param until Last second of the dispute, at most `MAX_DISPUTE` from now.
    function openDispute(uint256 tokenId, bytes32 evidence, uint64 until) external;

    /// @notice Ends a dispute by a decision. Needs ARBITER_ROLE.
    /// @param evidence Hash of the signed decision.
    function closeDispute(uint256 tokenId, bytes32 evidence) external;

    /// @notice Gives up a title: burns the token, retires its key, frees its identities. Owner only, and not during
    /// a dispute.
    /// @param tokenId A live token.
    function redeem(uint256 tokenId) external;

    /// @notice Makes a header usable, once and for good. Needs REGISTRAR_ROLE.
    /// @return headerHash keccak256(abi.encode(header)).
    function registerHeader(Header calldata header) external returns (bytes32 headerHash);

    /// @notice Says whether controllers outlive a transfer to the account. Needs CUSTODY_ROLE.
    function setCustodian(address custodian, bool known) external;

    /// @notice The title of a live token; reverts for any other.
    function titleOf(uint256 tokenId) external view returns (Title memory title);

    /// @notice The content of a registered header; reverts for any other.
    function headerOf(bytes32 headerHash) external view returns (Header memory header);

    /// @notice Whose consent `replace` needs: the controller, or the owner where there is none.
    function consenterOf(uint256 tokenId) external view returns (address consenter);

    /// @notice Whether controllers outlive a transfer to the account.
    function isCustodian(address account) external view returns (bool known);

    /// @notice The live token of a key (zero for none) and the nonce its next authorization must carry. Token
    /// zero with a nonce above zero means that the key is retired.
    function tokenOfKey(bytes32 deviceKeyHash) external view returns (uint64 tokenId, uint64 nonce);

    /// @notice The live token of a strong or weak identity, zero for none.
    function tokenOfIdentity(bytes32 identity) external view returns (uint256 tokenId);

    /// @notice The most recent token of a strong or weak identity, live or not, zero for none.
    function lastTokenOfIdentity(bytes32 identity) external view returns (uint256 tokenId);

    /// @notice The token that an authorization for this hardware must name as predecessor: the last one of the
    /// strong identity, or of the weak one where the strong has none, or zero.
    function predecessorOf(bytes32 strongIdentity, bytes32 weakIdentity) external view returns (uint256 tokenId);

    /// @notice The 66 bytes `0x1901 ‖ domainSeparator ‖ structHash` that the device signs with ECDSA over SHA-256.
    function mintDigestPreimage(MintAuthorization calldata authorization) external view returns (bytes memory preimage);

    /// @notice The 66 bytes that the old and the new key sign with ECDSA over SHA-256.
    function rotationPreimage(Rotation calldata rotation) external view returns (bytes memory preimage);

    /// @notice The 66 bytes that the device signs over SHA-256 and the consenter over Keccak-256.
    function replacementPreimage(Replacement calldata replacement) external view returns (bytes memory preimage);

    /// @notice How many tokens were ever minted; the highest id.
    function totalMinted() external view returns (uint256 count);

    /// @notice How many tokens live: mints less redemptions.
    function totalSupply() external view returns (uint256 count);
}
