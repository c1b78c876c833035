// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaliberToken} from "../interfaces/ICaliberToken.sol";

/// @title TitleBindings
/// @notice Which key and which identities belong to which live token: each to at most one.
abstract contract TitleBindings is ICaliberToken {
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

    mapping(bytes32 deviceKeyHash => KeySlot) private _keys;
    mapping(bytes32 identity => IdentitySlot) private _identities;

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

    /// @dev Binds a key that was never used before.
    function _bindKey(bytes32 deviceKeyHash, uint64 nonce, uint64 tokenId) internal {
        KeySlot storage slot = _keys[deviceKeyHash];
        require(slot.tokenId == 0, KeyTaken(deviceKeyHash, slot.tokenId));
        require(slot.nonce == 0, KeyRetired(deviceKeyHash));
        require(nonce == 0, NonceMismatch(0, nonce));
        (slot.tokenId, slot.nonce) = (tokenId, 1);
    }

    /// @dev Uses up a nonce of the title's own key, so that what it signed counts once.
    function _useKey(bytes32 deviceKeyHash, uint64 nonce, uint256 tokenId) internal {
        KeySlot storage slot = _keys[deviceKeyHash];
        require(slot.tokenId == tokenId, KeyNotOfTitle(tokenId, deviceKeyHash));
        require(slot.nonce == nonce, NonceMismatch(slot.nonce, nonce));
        slot.nonce = nonce + 1;
    }

    /// @dev The nonce stays above zero: the key never comes back.
    function _retireKey(bytes32 deviceKeyHash) internal {
        _keys[deviceKeyHash].tokenId = 0;
    }

    /// @dev Nothing is ever bound to identity zero, so an absent strong identity is free and has no last token.
    function _bindIdentities(bytes32 strongIdentity, bytes32 weakIdentity, uint64 tokenId, uint256 predecessor)
        internal
    {
        IdentitySlot storage strong = _identities[strongIdentity];
        require(strong.live == 0, IdentityTaken(strongIdentity, strong.live));
        IdentitySlot storage weak = _identities[weakIdentity];
        require(weak.live == 0, IdentityTaken(weakIdentity, weak.live));
        uint64 expected = strong.last != 0 ? strong.last : weak.last;
        require(predecessor == expected, PredecessorMismatch(expected, predecessor));
        (weak.live, weak.last) = (tokenId, tokenId);
        if (strongIdentity != bytes32(0)) (strong.live, strong.last) = (tokenId, tokenId);
    }

    function _freeIdentities(bytes32 strongIdentity, bytes32 weakIdentity) internal {
        _identities[weakIdentity].live = 0;
        if (strongIdentity != bytes32(0)) _identities[strongIdentity].live = 0;
    }
}
