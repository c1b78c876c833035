// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberLog} from "../src/CaliberLog.sol";
import {Cheats} from "./support/Cheats.sol";

/// @notice Anchors at random, for two origins, sizes up and down.
contract LogHandler is Cheats {
    CaliberLog public immutable log = new CaliberLog(0, address(this), address(this));
    mapping(bytes32 origin => uint64) public size;
    mapping(bytes32 origin => bytes32) public root;

    function originOf(uint256 number) public pure returns (bytes32) {
        return keccak256(abi.encode("origin", number % 2));
    }

    function anchor(uint256 number, uint64 newSize, bytes32 newRoot) external {
        bytes32 origin = originOf(number);
        newSize = uint64(bound(newSize, 0, 1000));
        bool allowed = newSize > size[origin] && newRoot != bytes32(0);
        try log.anchor(origin, newSize, newRoot) {
            vm.assertTrue(allowed, "anchored a size that does not grow");
            (size[origin], root[origin]) = (newSize, newRoot);
        } catch {
            vm.assertFalse(allowed);
        }
    }
}

contract CaliberLogInvariantTest is Cheats {
    LogHandler private handler;

    function setUp() public {
        handler = new LogHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_anAnchorsSizeOnlyGrows() public view {
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 origin = handler.originOf(i);
            (uint64 size, bytes32 root,) = handler.log().latest(origin);
            vm.assertEq(size, handler.size(origin));
            vm.assertEq(root, handler.root(origin));
        }
    }
}
