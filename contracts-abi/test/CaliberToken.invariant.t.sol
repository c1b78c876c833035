// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberToken} from "../src/CaliberToken.sol";
import {Title} from "../src/interfaces/TitleTypes.sol";
import {Cheats} from "./support/Cheats.sol";
import {TokenHandler} from "./support/TokenHandler.sol";

/// @dev Signing in Solidity tests is slow, so there are fewer runs than elsewhere, once for each invariant.
/// forge-config: default.invariant.runs = 24
contract CaliberTokenInvariantTest is Cheats {
    TokenHandler private handler;
    CaliberToken private token;

    function setUp() public {
        handler = new TokenHandler();
        token = handler.contractUnderTest();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_supplyIsMintsLessRedemptions() public view {
        vm.assertEq(token.totalMinted(), handler.mints());
        vm.assertEq(token.totalSupply(), handler.mints() - handler.redemptions());
        vm.assertEq(token.totalSupply(), handler.liveTokens().length);
    }

    function invariant_noTwoLiveTokensShareAKeyOrIdentity() public view {
        uint256[] memory live = handler.liveTokens();
        for (uint256 i = 0; i < live.length; ++i) {
            Title memory one = token.titleOf(live[i]);
            for (uint256 j = i + 1; j < live.length; ++j) {
                Title memory other = token.titleOf(live[j]);
                vm.assertNotEq(one.deviceKeyHash, other.deviceKeyHash);
                vm.assertNotEq(one.weakIdentity, other.weakIdentity);
                if (one.strongIdentity != bytes32(0)) vm.assertNotEq(one.strongIdentity, other.strongIdentity);
            }
        }
    }

    function invariant_titlesMoveOnlyByTheirHolders() public view {
        uint256[] memory live = handler.liveTokens();
        for (uint256 i = 0; i < live.length; ++i) {
            vm.assertEq(token.ownerOf(live[i]), handler.holderOf(live[i]));
        }
    }

    function invariant_indexesPointAtTheirTokens() public view {
        uint256[] memory live = handler.liveTokens();
        for (uint256 i = 0; i < live.length; ++i) {
            Title memory title = token.titleOf(live[i]);
            (uint64 tokenId,) = token.tokenOfKey(title.deviceKeyHash);
            vm.assertEq(tokenId, live[i]);
            vm.assertEq(token.tokenOfIdentity(title.weakIdentity), live[i]);
            vm.assertNotEq(bytes32(uint256(title.predecessor)), bytes32(live[i]));
            vm.assertLe(title.predecessor, token.totalMinted());
            if (title.strongIdentity != bytes32(0)) vm.assertEq(token.tokenOfIdentity(title.strongIdentity), live[i]);
        }
        vm.assertEq(token.tokenOfIdentity(bytes32(0)), 0);
        vm.assertEq(token.lastTokenOfIdentity(bytes32(0)), 0);
    }
}
