// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/interfaces/IERC721.sol";
import {ICollateralTimelock} from "../interfaces/ICollateralTimelock.sol";

/// @title CollateralTimelockStandIn
/// @notice For tests only: moves collateral as USD.AI's CollateralTimelock 1.0 does (`transferFrom` in,
/// `safeTransferFrom` out) behind the same signatures, events and conditions. Without roles and receipt tokens.
contract CollateralTimelockStandIn is ICollateralTimelock {
    event Deposited(
        address indexed depositor,
        address indexed target,
        bytes32 indexed context,
        address token,
        uint256[] tokenIds,
        uint64 expiration
    );
    event Canceled(
        address indexed depositor, address indexed target, bytes32 indexed context, address token, uint256[] tokenIds
    );
    event Withdrawn(
        address indexed depositor,
        address indexed withdrawer,
        bytes32 indexed context,
        address token,
        uint256[] tokenIds
    );

    error InvalidDeposit();
    error InvalidCaller();
    error InvalidTimestamp();

    struct Deposit {
        address depositor;
        address target;
        bytes32 context;
        address token;
        uint256[] tokenIds;
        uint64 expiration;
    }

    mapping(uint256 receipt => Deposit) private _deposits;

    function deposit(address target, bytes32 context, address token, uint256[] calldata tokenIds, uint64 expiration)
        external
    {
        uint256 receipt = depositTokenId(target, context, token, tokenIds);
        require(_deposits[receipt].depositor == address(0), InvalidDeposit());
        require(block.timestamp < expiration, InvalidTimestamp());
        _deposits[receipt] = Deposit(msg.sender, target, context, token, tokenIds, expiration);
        for (uint256 i = 0; i < tokenIds.length; ++i) {
            IERC721(token).transferFrom(msg.sender, address(this), tokenIds[i]);
        }
        emit Deposited(msg.sender, target, context, token, tokenIds, expiration);
    }

    function cancel(address target, bytes32 context, address token, uint256[] calldata tokenIds) external {
        Deposit memory staged = _take(depositTokenId(target, context, token, tokenIds));
        require(staged.depositor == msg.sender, InvalidCaller());
        require(block.timestamp > staged.expiration, InvalidTimestamp());
        _release(token, tokenIds);
        emit Canceled(msg.sender, target, context, token, tokenIds);
    }

    function withdraw(bytes32 context, address token, uint256[] calldata tokenIds) external {
        Deposit memory staged = _take(depositTokenId(msg.sender, context, token, tokenIds));
        require(block.timestamp < staged.expiration, InvalidTimestamp());
        _release(token, tokenIds);
        emit Withdrawn(staged.depositor, msg.sender, context, token, tokenIds);
    }

    function depositInfo(uint256 receipt)
        external
        view
        returns (address, address, bytes32, address, uint256[] memory, uint64)
    {
        Deposit memory staged = _deposits[receipt];
        return (staged.depositor, staged.target, staged.context, staged.token, staged.tokenIds, staged.expiration);
    }

    function depositTokenId(address target, bytes32 context, address token, uint256[] calldata tokenIds)
        public
        pure
        returns (uint256)
    {
        return uint256(keccak256(abi.encodePacked(target, context, token, tokenIds)));
    }

    function _take(uint256 receipt) private returns (Deposit memory staged) {
        staged = _deposits[receipt];
        require(staged.depositor != address(0), InvalidDeposit());
        delete _deposits[receipt];
    }

    function _release(address token, uint256[] calldata tokenIds) private {
        for (uint256 i = 0; i < tokenIds.length; ++i) {
            IERC721(token).safeTransferFrom(address(this), msg.sender, tokenIds[i]);
        }
    }
}
