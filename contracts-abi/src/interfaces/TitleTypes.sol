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
/// @param headerHash Hash of a registered header; zero for none.
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

/// @notice A device's next key, for the same silicon. The old and the new key sign the same bytes. EIP-712 type:
/// Rotation(uint256 tokenId,bytes32 oldKeyHash,bytes32 newKeyHash,bytes32 evidence,uint8 assurance,uint64 nonce,
/// uint64 deadline)
/// @param evidence Statement hash of the `rotate` report.
/// @param assurance The assurance from now on: a key may move into a TPM or out of it.
/// @param nonce The old key's next nonce.
struct Rotation {
    uint256 tokenId;
    bytes32 oldKeyHash;
    bytes32 newKeyHash;
    bytes32 evidence;
    uint8 assurance;
    uint64 nonce;
    uint64 deadline;
}

/// @notice Other hardware, another key or other custody behind a title. The device that stands in from now on and
/// the consenting party sign the same bytes: the device ES256 over them, the consenter their Keccak (EIP-712). Type:
/// Replacement(uint256 tokenId,bytes32 fingerprint,bytes32 deviceKeyHash,bytes32 strongIdentity,
/// bytes32 weakIdentity,bytes32 evidence,bytes32 logOrigin,bytes32 headerHash,uint8 assurance,uint256 predecessor,
/// uint64 nonce,uint64 deadline)
/// @param fingerprint The title's fingerprint as the signers know it (ERC-5646).
/// @param deviceKeyHash A key never used before, or the title's own.
/// @param predecessor The last token of the hardware that comes in: `predecessorOf` its identities.
/// @param nonce The device key's next nonce.
struct Replacement {
    uint256 tokenId;
    bytes32 fingerprint;
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

/// @notice A P-256 public key and its signature (s at most half the group order).
struct DeviceProof {
    bytes32 qx;
    bytes32 qy;
    bytes32 r;
    bytes32 s;
}

/// @notice What many titles have in common: the fields of ERC-7578. All of it is declared.
/// @param tokenIssuer Who issues the titles.
/// @param assetHolder Who holds the hardware (the bailee).
/// @param storedLocation Where it stands.
/// @param terms Link to, or hash of, the legal terms.
/// @param jurisdiction Whose law governs.
/// @param valueCurrency Currency of the declared value (ISO 4217).
/// @param declaredValue Declared value of one unit, in the currency's smallest unit.
struct Header {
    string tokenIssuer;
    string assetHolder;
    string storedLocation;
    string terms;
    string jurisdiction;
    string valueCurrency;
    uint256 declaredValue;
}

/// @notice What hardware a live token stands for, and how that is known.
/// @param evidence Statement hash that the latest amendment (or the mint) rests on.
/// @param mintedAt Unix time of the mint.
/// @param amendments How many amendments there have been; the next one has this number plus one.
/// @param predecessor Earlier token of the same hardware, zero if there was none.
/// @param disputedUntil Last second of an open dispute; zero, or past, for none.
/// @param controller Who consents in the holder's stead; zero for none.
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
    uint64 disputedUntil;
    address controller;
}

/// @notice What an amendment was.
enum Amendment {
    Evidence,
    KeyRotated,
    Replaced,
    DisputeOpened,
    DisputeClosed
}
