// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Health of a token's hardware. Unknown is never posted: a token without a post reads Stale.
enum State {
    Unknown,
    Healthy,
    Watch,
    Impaired,
    BreachProposed,
    Stale,
    Lost,
    Disputed,
    Paused
}

/// @notice One token's health at one sequence number: an item of a post, and a leaf of the fleet's Merkle tree.
/// The leaf's bytes are `abi.encode(HealthLeaf)`, eight words; its hash is SHA-256(0x00 ‖ those 256 bytes).
/// @param tokenId The token, above zero.
/// @param sequence The subject's event sequence, from 1, strictly increasing; below 2^40.
/// @param state A `State`. Not typed as the enum, because a value outside it would then revert in the decoder and
/// one bad item could block its batch.
/// @param cause Code of the rule that led to the state.
/// @param since Unix time at which the state began; below 2^40, like all times here.
/// @param validUntil Last second at which the state counts, unless liveness says more.
/// @param assuredUntil Last second at which the hardware evidence behind it counts.
/// @param evidenceHash Hash of the event's evidence.
struct HealthLeaf {
    uint64 tokenId;
    uint64 sequence;
    uint8 state;
    uint16 cause;
    uint64 since;
    uint64 validUntil;
    uint64 assuredUntil;
    bytes32 evidenceHash;
}

/// @notice What the attestors sign for an epoch. EIP-712 type, in this order of members:
/// EpochPost(uint32 epoch,bytes32 fleetRoot,uint64 fleetSize,uint64 fleetUntil,uint64 livenessUntil,bytes32[] chunks)
/// @param epoch Greater than any epoch begun before.
/// @param fleetRoot RFC 6962 SHA-256 root over all tokens' leaves.
/// @param fleetSize Number of leaves under the root.
/// @param fleetUntil Last second at which any posted state counts, unless a later epoch comes. It is cut to three
/// epochs from the block that takes it.
/// @param livenessUntil Last second at which the epoch's liveness words count; zero where it has none.
/// @param chunks Hashes of the epoch's chunks, in order, at least one: keccak256(abi.encode(keccak256(transitions),
/// keccak256(liveness))), each the Keccak of the items' words one after the other (eight a leaf, one a word).
struct EpochPost {
    uint32 epoch;
    bytes32 fleetRoot;
    uint64 fleetSize;
    uint64 fleetUntil;
    uint64 livenessUntil;
    bytes32[] chunks;
}

/// @param attestor An account in the set of attestors; a list of these is in strictly ascending order of them.
/// @param signature ECDSA, or what the attestor's ERC-1271 account takes for a signature.
struct AttestorSignature {
    address attestor;
    bytes signature;
}

/// @notice Why a leaf was not applied.
/// @dev Malformed: token or sequence zero, state Unknown or outside the enum, or a sequence or time past 2^40 - 1.
/// Older: a greater sequence is recorded. Conflict: the same sequence is recorded with other content.
/// Unchanged: the same leaf is recorded, valid at least as long.
enum Refusal {
    None,
    Malformed,
    Older,
    Conflict,
    Unchanged
}
