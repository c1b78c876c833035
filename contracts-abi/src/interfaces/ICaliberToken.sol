// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a device signs to have its title minted. EIP-712 type, in this order of members:
/// MintAuthorization(address recipient,bytes32 deviceKeyHash,bytes32 strongIdentity,bytes32 weakIdentity,
/// bytes32 evidence,bytes32 logOrigin,bytes32 headerHash,uint8 assurance,uint256 predecessor,uint64 nonce,
/// uint64 deadline)
/// @param recipient First holder of the title.
/// @param deviceKeyHash SHA-256 of the device key's canonical 91-byte P-256 SPKI DER.
/// @param strongIdentity Identity from the GPU's own certificate; zero where the hardware can show none.
/// @param weakIdentity Identity declared through the GPU's UUID; never zero.
/// @param evidence Statement hash of the report the title rests on.
/// @param logOrigin SHA-256 of the origin line of the log that holds the evidence.
/// @param headerHash Hash of the title's off-chain header document.
/// @param assurance How the claims are known: bit 0 key in a TPM, bit 1 identity from silicon.
/// @param predecessor Earlier token of the same hardware, zero if there was none.
/// @param nonce The key's next nonce, see `tokenOfKey`.
/// @param deadline Last second (Unix time) at which the authorization may be used.
struct MintAuthorization {
    address recipient;
    bytes32 deviceKeyHash;
    bytes32 strongIdentity;
    bytes32 weakIdentity;
    bytes32 evidence;
    bytes32 logOrigin;
    bytes32 headerHash;
    uint8 assurance;
    uint256 predecessor;
    uint64 nonce;
    uint64 deadline;
}

/// @notice What hardware a live token stands for, and how that is known. The last four members share one slot.
/// @param mintedAt Unix time of the mint.
/// @param amendments How many amendments there have been; the next one has this number plus one.
/// @param predecessor Earlier token of the same hardware, zero if there was none.
struct Title {
    bytes32 deviceKeyHash;
    bytes32 strongIdentity;
    bytes32 weakIdentity;
    bytes32 evidence;
    bytes32 logOrigin;
    bytes32 headerHash;
    uint8 assurance;
    uint64 mintedAt;
    uint64 amendments;
    uint64 predecessor;
}

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

    /// @notice What is known about a title's hardware changed: amendment `number` by `attester`.
    event TitleAmended(
        uint256 indexed tokenId,
        uint64 indexed number,
        address indexed attester,
        bytes32 evidence,
        uint8 oldAssurance,
        uint8 newAssurance
    );

    /// @notice A title was given up by its owner; its key is retired, its identities are free again.
    event TitleRedeemed(uint256 indexed tokenId, bytes32 indexed deviceKeyHash, address indexed redeemer);

    /// @notice The authorization's last usable second has passed.
    error AuthorizationExpired(uint64 deadline);
    /// @notice The public key given does not hash to the key hash the device signed.
    error DeviceKeyMismatch(bytes32 computed, bytes32 authorized);
    /// @notice The device's signature does not verify, or its s is above half the group order.
    error DeviceSignatureInvalid(bytes32 deviceKeyHash);
    /// @notice The key has a live token.
    error KeyTaken(bytes32 deviceKeyHash, uint256 tokenId);
    /// @notice The key had a token once; retired keys never come back.
    error KeyRetired(bytes32 deviceKeyHash);
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
    /// @notice The assurance has bits this contract gives no meaning to.
    error AssuranceUnknown(uint8 assurance);
    /// @notice Silicon identity is claimed where there is no strong identity.
    error AssuranceUnfounded(uint8 assurance);
    /// @notice The authorization's nonce is not the key's next one.
    error NonceMismatch(uint64 expected, uint64 given);
    /// @notice The authorization does not name the hardware's last token.
    error PredecessorMismatch(uint256 expected, uint256 given);
    /// @notice Only the token's owner may do this; approved operators may not.
    error NotTokenOwner(uint256 tokenId, address caller);

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

    /// @notice Gives up a title: burns the token, retires its key, frees its identities. Owner only.
    /// @param tokenId A live token.
    function redeem(uint256 tokenId) external;

    /// @notice The title of a live token; reverts for any other.
    function titleOf(uint256 tokenId) external view returns (Title memory title);

    /// @notice The live token of a key (zero for none) and the nonce its next authorization must carry. Token
    /// zero with a nonce above zero means that the key is retired.
    function tokenOfKey(bytes32 deviceKeyHash) external view returns (uint64 tokenId, uint64 nonce);

    /// @notice The live token of a strong or weak identity, zero for none.
    function tokenOfIdentity(bytes32 identity) external view returns (uint256 tokenId);

    /// @notice The most recent token of a strong or weak identity, live or redeemed, zero for none.
    function lastTokenOfIdentity(bytes32 identity) external view returns (uint256 tokenId);

    /// @notice The token that an authorization for this hardware must name as predecessor: the last one of the
    /// strong identity, or of the weak one where the strong has none, or zero.
    function predecessorOf(bytes32 strongIdentity, bytes32 weakIdentity) external view returns (uint256 tokenId);

    /// @notice The 66 bytes `0x1901 ‖ domainSeparator ‖ structHash` that the device signs with ECDSA over SHA-256.
    function mintDigestPreimage(MintAuthorization calldata authorization) external view returns (bytes memory preimage);

    /// @notice How many tokens were ever minted; the highest id.
    function totalMinted() external view returns (uint256 count);

    /// @notice How many tokens live: mints less redemptions.
    function totalSupply() external view returns (uint256 count);
}
