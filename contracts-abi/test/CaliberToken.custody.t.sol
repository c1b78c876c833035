// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/interfaces/IERC721.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {CaliberHealth} from "../src/CaliberHealth.sol";
import {HealthLeaf} from "../src/interfaces/ICaliberHealth.sol";
import {Devices} from "./support/Devices.sol";

/// @notice Takes with `transferFrom`, as a collateral timelock does: no receiver hook is called on it.
contract Timelock {
    function pull(IERC721 token, address from, uint256 tokenId) external {
        token.transferFrom(from, address(this), tokenId);
    }

    function release(IERC721 token, address to, uint256 tokenId) external {
        token.safeTransferFrom(address(this), to, tokenId);
    }
}

/// @notice Passes titles on with `safeTransferFrom`, as a loan router does.
contract Router is ERC721Holder {
    function pass(IERC721 token, address to, uint256 tokenId) external {
        token.safeTransferFrom(address(this), to, tokenId);
    }
}

/// @notice The three moves a loan makes, in every health state.
contract CaliberTokenCustodyTest is Devices {
    CaliberHealth private health;
    Timelock private timelock;
    Router private router;

    function setUp() public {
        deployToken();
        health = new CaliberHealth(1 days, ADMIN, REGISTRAR);
        timelock = new Timelock();
        router = new Router();
        mintFor(1);
    }

    function testFuzz_noHealthStateOrAmendmentBlocksALoan(uint8 state, uint8 assurance, bool liquidated) public {
        HealthLeaf[] memory transitions = new HealthLeaf[](1);
        transitions[0] = HealthLeaf(
            1,
            1,
            uint8(bound(state, 1, 8)),
            1,
            uint64(block.timestamp),
            uint64(block.timestamp + 600),
            uint64(block.timestamp + 600),
            keccak256("evidence")
        );
        vm.startPrank(REGISTRAR);
        health.post(1, keccak256("root"), 1, uint64(block.timestamp + 600), transitions);
        token.amend(1, keccak256("evidence"), uint8(bound(assurance, 0, 3)));
        vm.stopPrank();

        vm.prank(HOLDER);
        token.approve(address(timelock), 1);
        timelock.pull(token, HOLDER, 1);
        timelock.release(token, address(router), 1);
        address end = liquidated ? ADMIN : HOLDER;
        router.pass(token, end, 1);
        vm.assertEq(token.ownerOf(1), end);
    }
}
