// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaliberToken} from "../interfaces/ICaliberToken.sol";
import {Header} from "../interfaces/TitleTypes.sol";

/// @title TitleHeaders
/// @notice Headers and log origins, which many titles share: a title keeps the number of a pair of them, not two
/// hashes.
/// @dev Nothing is ever removed or changed: a number stands for the same words for good.
abstract contract TitleHeaders is ICaliberToken {
    /// @param headerHash Zero for no header.
    struct Context {
        bytes32 headerHash;
        bytes32 logOrigin;
    }

    mapping(bytes32 headerHash => bool) private _isRegistered;
    mapping(bytes32 headerHash => Header) private _headers;
    Context[] private _contexts;
    mapping(bytes32 pair => uint32) private _contextNumbers;

    /// @inheritdoc ICaliberToken
    function headerOf(bytes32 headerHash) public view returns (Header memory) {
        require(_isRegistered[headerHash], HeaderUnknown(headerHash));
        return _headers[headerHash];
    }

    /// @dev Registering again changes nothing.
    function _registerHeader(Header calldata header) internal returns (bytes32 headerHash) {
        headerHash = keccak256(abi.encode(header));
        if (_isRegistered[headerHash]) return headerHash;
        _isRegistered[headerHash] = true;
        _headers[headerHash] = header;
        emit HeaderRegistered(headerHash, header);
    }

    /// @dev Only the registrar gets here, with values that a device signed: the list stays short.
    function _contextNumber(bytes32 headerHash, bytes32 logOrigin) internal returns (uint32 number) {
        bytes32 pair = keccak256(abi.encode(headerHash, logOrigin));
        number = _contextNumbers[pair];
        if (number != 0) return number;
        require(headerHash == bytes32(0) || _isRegistered[headerHash], HeaderUnknown(headerHash));
        _contexts.push(Context({headerHash: headerHash, logOrigin: logOrigin}));
        number = uint32(_contexts.length);
        _contextNumbers[pair] = number;
    }

    function _contextOf(uint32 number) internal view returns (Context memory) {
        return _contexts[number - 1];
    }
}
