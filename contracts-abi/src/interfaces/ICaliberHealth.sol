// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestorSignature, EpochPost, HealthLeaf, Refusal, State} from "./HealthTypes.sol";

/// @title ICaliberHealth
/// @notice Health of tokens as a quorum of attestors posts it, which lapses into Stale by itself.
interface ICaliberHealth {
    /// @notice A token's health moved to a greater sequence. It counts from the `EpochPosted` of the same epoch on
    /// (in the same transaction, unless the post came in chunks) and never if that epoch is abandoned.
    event HealthChanged(
        uint256 indexed tokenId,
        State indexed state,
        uint32 indexed epoch,
        uint64 sequence,
        uint16 cause,
        uint64 since,
        uint64 validUntil,
        bytes32 evidenceHash
    );

    /// @notice A token's recorded health counts for longer; nothing else about it changed. Counts as `HealthChanged`.
    event HealthExtended(uint256 indexed tokenId, uint32 indexed epoch, uint64 sequence, uint64 validUntil);

    /// @notice An item of a post was not applied; the others were.
    event TransitionRefused(uint256 indexed tokenId, uint64 sequence, Refusal reason);

    /// @notice The fleet's state as a whole was posted; all that came with the epoch counts from now on.
    event EpochPosted(uint32 indexed epoch, bytes32 fleetRoot, uint64 fleetSize, uint64 fleetUntil);

    /// @notice A chunk of an epoch is on chain and waits for the last one.
    event ChunkStaged(uint32 indexed epoch, uint256 index, uint256 count);

    /// @notice An epoch that was begun will never take effect.
    event EpochAbandoned(uint32 indexed epoch);

    /// @notice Whose signatures count, and how many of them are needed.
    event AttestorsSet(address[] attestors, uint8 threshold);

    /// @notice From now on everything reads Stale, or no longer does for this reason.
    event PausedSet(address indexed account, bool paused);

    /// @notice Posts and proofs are paused.
    error HealthPaused();
    /// @notice An epoch has fewer than 2^16 chunks.
    error TooManyChunks(uint256 given);
    /// @notice Epochs strictly increase, begun ones too.
    error EpochNotGrowing(uint32 latest, uint32 given);
    /// @notice The fleet's root is zero.
    error FleetRootMissing();
    /// @notice The epoch has liveness words and no time until which they count.
    error LivenessUntilMissing();
    /// @notice The epoch is not the one begun, or its content is not what was signed.
    error EpochNotStaged(uint32 epoch);
    /// @notice The chunk is not the one that comes next.
    error ChunkMismatch(uint256 index, bytes32 expected, bytes32 given);
    /// @notice A proven leaf was not applied, or cannot be judged.
    error LeafRefused(uint64 tokenId, uint64 sequence, Refusal reason);
    /// @notice Too few attestors have signed.
    error QuorumMissing(uint256 given, uint256 needed);
    /// @notice The account is no attestor, or not in strictly ascending order.
    error AttestorOutOfPlace(address account);
    /// @notice The attestor has not signed this.
    error AttestorSignatureInvalid(address attestor);
    /// @notice No such quorum can be: no attestors, more than 32, one twice, or a threshold of none or too many.
    error QuorumInvalid();

    /// @notice Posts an epoch, or the first chunk of one. Anyone may send it; the attestors' signatures count. All of
    /// it takes effect with the last chunk; until then the last epoch stands. An item that cannot be applied is
    /// refused by event and blocks no other. An epoch begun before and not finished is abandoned.
    /// @param epoch What the attestors signed.
    /// @param transitions Of the first chunk: what changed since the last epoch.
    /// @param liveness Of the first chunk: words of a page number (32 bits) and its 224 tokens' bits. Bit `i` of page
    /// `p` set: the state of token `224 p + i` counts until `livenessUntil`.
    /// @param signatures Of at least `threshold` attestors over the epoch's EIP-712 digest.
    function post(
        EpochPost calldata epoch,
        HealthLeaf[] calldata transitions,
        uint256[] calldata liveness,
        AttestorSignature[] calldata signatures
    ) external;

    /// @notice Adds the next chunk of the epoch begun. Anyone may send it: its hash was signed.
    function postChunk(EpochPost calldata epoch, HealthLeaf[] calldata transitions, uint256[] calldata liveness)
        external;

    /// @notice Applies a leaf of the current fleet root, by the rule of sequences. Anyone may call.
    /// @param leaf The leaf.
    /// @param index Its place in the fleet's tree.
    /// @param proof RFC 6962 audit path, from the leaf up.
    function prove(HealthLeaf calldata leaf, uint64 index, bytes32[] calldata proof) external;

    /// @notice Health that counts now. Reads Stale when nothing was posted, `validUntil` has passed or the contract is
    /// paused; the other values stay those of the last recorded state.
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

    /// @notice Until when liveness keeps the token's recorded state counting; zero where it does not.
    function livenessOf(uint256 tokenId) external view returns (uint64 until);

    /// @notice The last epoch posted; all zero when there is none.
    function fleet()
        external
        view
        returns (uint32 epoch, bytes32 fleetRoot, uint64 fleetSize, uint64 fleetUntil, uint64 postedAt);

    /// @notice The epoch begun and not finished, and how many of its chunks are on chain; zero where there is none.
    function staged() external view returns (uint32 epoch, uint256 chunks);

    /// @notice Whether posts and proofs are paused and everything reads Stale.
    function paused() external view returns (bool);

    /// @notice The EIP-712 digest that attestors sign for an epoch.
    function epochDigest(EpochPost calldata epoch) external view returns (bytes32 digest);

    /// @notice The attestors and how many of them must sign.
    function quorum() external view returns (address[] memory attestors, uint8 threshold);

    /// @notice Returns if enough attestors have signed the digest, and reverts otherwise.
    function requireQuorum(bytes32 digest, AttestorSignature[] calldata signatures) external view;

    /// @notice Sets the attestors. Abandons an epoch that the former ones began. Needs QUORUM_ROLE.
    function setAttestors(address[] calldata attestors, uint8 threshold) external;
}
