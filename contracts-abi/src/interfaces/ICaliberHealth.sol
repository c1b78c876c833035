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
/// @param sequence The subject's event sequence, from 1, strictly increasing.
/// @param state A `State`. Not typed as the enum, because a value outside it would then revert in the decoder and
/// one bad item could block its batch.
/// @param cause Code of the rule that led to the state.
/// @param since Unix time at which the state began.
/// @param validUntil Last second at which the state counts.
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

/// @notice Why a leaf was not applied.
/// @dev Malformed: token or sequence zero, state Unknown or outside the enum, or a time past 2^48 - 1.
/// Older: a greater sequence is recorded. Conflict: the same sequence is recorded with other content.
/// Unchanged: the same leaf is recorded, valid at least as long.
enum Refusal {
    None,
    Malformed,
    Older,
    Conflict,
    Unchanged
}

/// @title ICaliberHealth
/// @notice Health of tokens as attestors post it, which lapses into Stale by itself.
interface ICaliberHealth {
    /// @notice A token's health moved to a greater sequence.
    event HealthChanged(
        uint256 indexed tokenId,
        State indexed state,
        uint64 sequence,
        uint16 cause,
        uint64 since,
        uint64 validUntil,
        bytes32 evidenceHash
    );

    /// @notice A token's recorded health counts for longer; nothing else about it changed.
    event HealthExtended(uint256 indexed tokenId, uint64 sequence, uint64 validUntil);

    /// @notice An item of a post was not applied; the others were.
    event TransitionRefused(uint256 indexed tokenId, uint64 sequence, Refusal reason);

    /// @notice The fleet's state as a whole was posted.
    event EpochPosted(uint64 indexed epoch, bytes32 fleetRoot, uint64 fleetSize, uint64 fleetUntil);

    /// @notice Epochs strictly increase.
    error EpochNotGrowing(uint64 latest, uint64 given);
    /// @notice The fleet's root is zero.
    error FleetRootMissing();
    /// @notice A proven leaf was not applied, or cannot be judged.
    error LeafRefused(uint64 tokenId, uint64 sequence, Refusal reason);

    /// @notice Posts an epoch: the fleet's Merkle root together with all transitions since the last epoch. An item
    /// that cannot be applied is refused by event and blocks no other. Needs ATTESTOR_ROLE.
    /// @param epoch Number of the epoch, greater than the last one.
    /// @param fleetRoot RFC 6962 SHA-256 root over all tokens' leaves.
    /// @param fleetSize Number of leaves under the root.
    /// @param fleetUntil Last second at which any posted state counts, unless a later epoch comes.
    /// @param transitions What changed since the last epoch.
    function post(
        uint64 epoch,
        bytes32 fleetRoot,
        uint64 fleetSize,
        uint64 fleetUntil,
        HealthLeaf[] calldata transitions
    ) external;

    /// @notice Applies a leaf of the current fleet root, by the rule of sequences. Anyone may call.
    /// @param leaf The leaf.
    /// @param index Its place in the fleet's tree.
    /// @param proof RFC 6962 audit path, from the leaf up.
    function prove(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof) external;

    /// @notice Health that counts now. Reads Stale when nothing was posted or `validUntil` has passed; the other
    /// values stay those of the last recorded state.
    /// @return state What to act on.
    /// @return cause Code of the rule that led to the recorded state.
    /// @return since Unix time at which the recorded state began.
    /// @return validUntil min(fleetUntil, tokenUntil): the last second at which the recorded state counts.
    /// @return assuredUntil Last second at which the hardware evidence counts.
    /// @return evidenceHash Hash of the evidence.
    function healthOf(uint256 tokenId)
        external
        view
        returns (State state, uint16 cause, uint64 since, uint64 validUntil, uint64 assuredUntil, bytes32 evidenceHash);

    /// @notice What `healthOf` would answer after `prove(leaf, index, proof)`. A leaf older than the record leaves
    /// the record standing; one that contradicts it reverts.
    function healthOfProven(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof)
        external
        view
        returns (State state, uint16 cause, uint64 since, uint64 validUntil, uint64 assuredUntil, bytes32 evidenceHash);

    /// @notice The last recorded leaf of a token whether or not it still counts; all zero when there is none.
    function recordOf(uint256 tokenId) external view returns (HealthLeaf memory leaf);

    /// @notice The last epoch posted; all zero when there is none.
    function fleet()
        external
        view
        returns (uint64 epoch, bytes32 fleetRoot, uint64 fleetSize, uint64 fleetUntil, uint64 postedAt);
}
