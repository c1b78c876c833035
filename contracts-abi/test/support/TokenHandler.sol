// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberToken} from "../../src/CaliberToken.sol";
import {MintAuthorization} from "../../src/interfaces/TitleTypes.sol";
import {Devices, Signed} from "./Devices.sol";

/// @notice Mints, moves, amends and redeems at random from few keys and fewer identities, so that they collide. It
/// keeps its own account of who may mint and asserts that the contract agrees each time.
contract TokenHandler is Devices {
    uint256 private constant KEYS = 40;
    uint256 private constant IDENTITIES = 6;

    uint256 public mints;
    uint256 public redemptions;
    uint256[] private _live;
    mapping(uint256 device => bool) private _used;
    mapping(bytes32 identity => uint256 tokenId) private _holder;

    constructor() {
        deployToken();
    }

    function contractUnderTest() external view returns (CaliberToken) {
        return token;
    }

    function liveTokens() external view returns (uint256[] memory) {
        return _live;
    }

    function mint(uint256 device, uint256 weak, uint256 strong, uint8 assurance) external {
        device = bound(device, 1, KEYS);
        MintAuthorization memory authorization = authorizationOf(device);
        authorization.weakIdentity = weakOf(bound(weak, 1, IDENTITIES));
        strong = bound(strong, 0, IDENTITIES);
        authorization.strongIdentity = strong == 0 ? bytes32(0) : strongOf(strong);
        authorization.assurance = uint8(bound(assurance, 0, strong == 0 ? 1 : 3));
        authorization.predecessor = token.predecessorOf(authorization.strongIdentity, authorization.weakIdentity);
        Signed memory signed = signWith(device, authorization);
        bool allowed = !_used[device] && _holder[authorization.weakIdentity] == 0
            && (strong == 0 || _holder[authorization.strongIdentity] == 0);

        vm.prank(REGISTRAR);
        try token.mint(authorization, signed.qx, signed.qy, signed.r, signed.s) returns (uint256 tokenId) {
            vm.assertTrue(allowed, "minted what is taken");
            ++mints;
            _used[device] = true;
            _holder[authorization.weakIdentity] = tokenId;
            if (strong != 0) _holder[authorization.strongIdentity] = tokenId;
            _live.push(tokenId);
        } catch {
            vm.assertFalse(allowed);
        }
    }

    function redeem(uint256 choice) external {
        if (_live.length == 0) return;
        choice = bound(choice, 0, _live.length - 1);
        uint256 tokenId = _live[choice];
        _holder[token.titleOf(tokenId).weakIdentity] = 0;
        _holder[token.titleOf(tokenId).strongIdentity] = 0;
        _live[choice] = _live[_live.length - 1];
        _live.pop();
        ++redemptions;
        vm.prank(token.ownerOf(tokenId));
        token.redeem(tokenId);
    }

    function move(uint256 choice, uint160 to) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        address from = token.ownerOf(tokenId);
        vm.prank(from);
        token.transferFrom(from, address(uint160(bound(to, 1, type(uint160).max))), tokenId);
    }

    function amend(uint256 choice, bytes32 evidence, uint8 assurance) external {
        if (_live.length == 0) return;
        uint256 tokenId = _live[bound(choice, 0, _live.length - 1)];
        bool hasStrong = token.titleOf(tokenId).strongIdentity != bytes32(0);
        vm.prank(REGISTRAR);
        token.amend(tokenId, keccak256(abi.encode(evidence)), uint8(bound(assurance, 0, hasStrong ? 3 : 1)));
    }
}
