// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberToken} from "../../src/CaliberToken.sol";
import {DeviceProof, MintAuthorization, Replacement, Rotation, Title} from "../../src/interfaces/TitleTypes.sol";
import {Amendments} from "./Amendments.sol";
import {Signed} from "./Devices.sol";

/// @notice Mints, rotates, replaces, moves, amends, disputes and redeems at random from few keys and fewer identities,
/// so that they collide. It keeps its own account of what is allowed and who holds what, and asserts that the contract
/// agrees each time.
contract TokenHandler is Amendments {
    uint256 private constant KEYS = 40;
    uint256 private constant IDENTITIES = 6;
    /// @dev Holders sign with the keys 501 to 503, so that they can consent.
    uint256 private constant HOLDERS = 3;

    uint256 public mints;
    uint256 public redemptions;
    uint256[] private _live;
    mapping(uint256 tokenId => address) public holderOf;
    mapping(uint256 tokenId => uint256) private _deviceOf;
    mapping(uint256 device => bool) private _used;
    mapping(bytes32 identity => uint256 tokenId) private _holder;

    constructor() {
        deployToken();
        vm.prank(CUSTODY);
        token.setCustodian(vm.addr(501), true);
    }

    function contractUnderTest() external view returns (CaliberToken) {
        return token;
    }

    function liveTokens() external view returns (uint256[] memory) {
        return _live;
    }

    function mint(uint256 device, uint256 weak, uint256 strong, uint8 assurance, uint8 to) external {
        device = bound(device, 1, KEYS);
        MintAuthorization memory authorization = authorizationOf(device);
        authorization.recipient = vm.addr(bound(to, 501, 500 + HOLDERS));
        authorization.weakIdentity = weakOf(bound(weak, 1, IDENTITIES));
        strong = bound(strong, 0, IDENTITIES);
        authorization.strongIdentity = strong == 0 ? bytes32(0) : strongOf(strong);
        authorization.assurance = uint8(bound(assurance, 0, strong == 0 ? 1 : 3));
        authorization.predecessor = token.predecessorOf(authorization.strongIdentity, authorization.weakIdentity);
        Signed memory signed = signWith(device, authorization);
        bool allowed = !_used[device] && isFree(authorization.strongIdentity, authorization.weakIdentity, 0);

        vm.prank(REGISTRAR);
        try token.mint(authorization, signed.qx, signed.qy, signed.r, signed.s) returns (uint256 tokenId) {
            vm.assertTrue(allowed, "minted what is taken");
            ++mints;
            _used[device] = true;
            _deviceOf[tokenId] = device;
            bindIdentities(authorization.strongIdentity, authorization.weakIdentity, tokenId);
            holderOf[tokenId] = authorization.recipient;
            _live.push(tokenId);
        } catch {
            vm.assertFalse(allowed);
        }
    }

    function rotate(uint256 choice, uint256 device) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        device = bound(device, 1, KEYS);
        Rotation memory rotation = rotationOf(tokenId, _deviceOf[tokenId]);
        rotation.newKeyHash = keyHashOf(device);
        rotation.assurance = token.titleOf(tokenId).assurance;
        bytes memory preimage = token.rotationPreimage(rotation);
        DeviceProof memory old = proofOf(_deviceOf[tokenId], preimage);
        DeviceProof memory next = proofOf(device, preimage);
        vm.prank(REGISTRAR);
        try token.rotate(rotation, old, next) {
            vm.assertFalse(_used[device]);
            (_used[device], _deviceOf[tokenId]) = (true, device);
        } catch {
            vm.assertTrue(_used[device], "a free key was refused");
        }
    }

    function replace(uint256 choice, uint256 device, uint256 weak, uint256 strong, bool byAnother) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        device = bound(device, 1, KEYS);
        Replacement memory replacement = replacementOf(tokenId, device);
        replacement.strongIdentity = strongOf(bound(strong, 1, IDENTITIES));
        replacement.weakIdentity = weakOf(bound(weak, 1, IDENTITIES));
        replacement.predecessor = token.predecessorOf(replacement.strongIdentity, replacement.weakIdentity);
        DeviceProof memory proof = proofOf(device, token.replacementPreimage(replacement));
        uint256 consenter = keyOf(token.consenterOf(tokenId));
        bytes memory consent = consentOf(byAnother ? 999 : consenter, replacement);
        bool allowed =
            !byAnother && !_used[device] && isFree(replacement.strongIdentity, replacement.weakIdentity, tokenId);
        Title memory before = token.titleOf(tokenId);
        vm.prank(REGISTRAR);
        try token.replace(replacement, proof, consent) {
            vm.assertTrue(allowed, "replaced by what is taken, or without consent");
            (_used[device], _deviceOf[tokenId]) = (true, device);
            bindIdentities(before.strongIdentity, before.weakIdentity, 0);
            bindIdentities(replacement.strongIdentity, replacement.weakIdentity, tokenId);
        } catch {
            vm.assertFalse(allowed);
        }
    }

    function redeem(uint256 choice) external {
        if (_live.length == 0) return;
        choice = bound(choice, 0, _live.length - 1);
        uint256 tokenId = _live[choice];
        Title memory title = token.titleOf(tokenId);
        vm.prank(holderOf[tokenId]);
        try token.redeem(tokenId) {
            vm.assertTrue(title.disputedUntil < block.timestamp, "burnt during a dispute");
            bindIdentities(title.strongIdentity, title.weakIdentity, 0);
            _live[choice] = _live[_live.length - 1];
            _live.pop();
            holderOf[tokenId] = address(0);
            ++redemptions;
        } catch {
            vm.assertTrue(title.disputedUntil >= block.timestamp);
        }
    }

    function move(uint256 choice, uint8 to) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        address from = holderOf[tokenId];
        address receiver = vm.addr(bound(to, 501, 500 + HOLDERS));
        vm.prank(from);
        token.transferFrom(from, receiver, tokenId);
        holderOf[tokenId] = receiver;
    }

    /// @dev Whoever has a role here, or is a title's controller, still cannot move or burn it.
    function seize(uint256 choice, uint8 who) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        address[6] memory thieves = [ADMIN, REGISTRAR, ARBITER, CUSTODY, PAUSER, token.titleOf(tokenId).controller];
        address thief = thieves[bound(who, 0, 5)];
        if (thief == holderOf[tokenId] || thief == address(0)) return;
        vm.startPrank(thief);
        (bool moved,) = address(token).call(abi.encodeCall(token.transferFrom, (holderOf[tokenId], thief, tokenId)));
        (bool burnt,) = address(token).call(abi.encodeCall(token.redeem, (tokenId)));
        vm.stopPrank();
        vm.assertFalse(moved || burnt);
    }

    function nameController(uint256 choice, uint8 who) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        vm.prank(holderOf[tokenId]);
        token.setController(tokenId, vm.addr(bound(who, 501, 500 + HOLDERS)));
    }

    function dispute(uint256 choice, uint32 span) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        vm.prank(ARBITER);
        token.openDispute(tokenId, keccak256("both sides"), uint64(block.timestamp + bound(span, 1, 3 days)));
    }

    function pass(uint32 span) external {
        vm.warp(block.timestamp + bound(span, 0, 1 days));
    }

    function amend(uint256 choice, bytes32 evidence, uint8 assurance) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        bool hasStrong = token.titleOf(tokenId).strongIdentity != bytes32(0);
        vm.prank(REGISTRAR);
        token.amend(tokenId, keccak256(abi.encode(evidence)), uint8(bound(assurance, 0, hasStrong ? 3 : 1)));
    }

    function isFree(bytes32 strong, bytes32 weak, uint256 forToken) private view returns (bool) {
        (uint256 s, uint256 w) = (_holder[strong], _holder[weak]);
        return (w == 0 || w == forToken) && (strong == bytes32(0) || s == 0 || s == forToken);
    }

    function bindIdentities(bytes32 strong, bytes32 weak, uint256 tokenId) private {
        _holder[weak] = tokenId;
        if (strong != bytes32(0)) _holder[strong] = tokenId;
    }

    function keyOf(address holder) private pure returns (uint256 key) {
        for (key = 501; key < 500 + HOLDERS; ++key) {
            if (vm.addr(key) == holder) break;
        }
    }
}
