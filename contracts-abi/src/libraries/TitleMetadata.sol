// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Title} from "../interfaces/ICaliberToken.sol";
import {Assurance} from "./Assurance.sol";

/// @title TitleMetadata
/// @notice JSON of a title from chain state alone. No value in it is free text, so nothing needs escaping.
library TitleMetadata {
    using Strings for uint256;

    /// @notice A complete `data:` URI for a token.
    function tokenUri(uint256 tokenId, Title memory title) internal view returns (string memory) {
        return _dataUri(
            bytes.concat(
                '{"name":"CALIBER title #',
                bytes(tokenId.toString()),
                '","description":"Document of title to one GPU. Each claim says how it is known; ownership of the hardware is proved by none.","subject":"did:erc721:',
                bytes(block.chainid.toString()),
                ":",
                bytes(Strings.toChecksumHexString(address(this))),
                ":",
                bytes(tokenId.toString()),
                '","attributes":[',
                _attributes(title),
                "]}"
            )
        );
    }

    /// @notice A complete `data:` URI for the collection.
    function contractUri() internal pure returns (string memory) {
        return _dataUri(
            '{"name":"CALIBER titles","symbol":"CALIBER","description":"Documents of title to GPUs, minted with the signature of the device itself."}'
        );
    }

    function _attributes(Title memory title) private pure returns (bytes memory) {
        bytes memory known = bytes.concat(
            _text("key_assurance", bytes(title.assurance & Assurance.KEY_TPM != 0 ? "tpm" : "software")),
            ",",
            _text(
                "identity_assurance", bytes(title.assurance & Assurance.IDENTITY_SILICON != 0 ? "silicon" : "declared")
            ),
            ",",
            _hash("device_key_sha256", title.deviceKeyHash),
            ",",
            _hash("strong_identity", title.strongIdentity),
            ",",
            _hash("weak_identity", title.weakIdentity)
        );
        return bytes.concat(
            known,
            ",",
            _hash("evidence", title.evidence),
            ",",
            _hash("log_origin", title.logOrigin),
            ",",
            _hash("header", title.headerHash),
            ",",
            _number("minted_at", title.mintedAt),
            ",",
            _number("amendments", title.amendments),
            ",",
            _number("predecessor", title.predecessor)
        );
    }

    function _text(bytes memory name, bytes memory value) private pure returns (bytes memory) {
        return bytes.concat('{"trait_type":"', name, '","value":"', value, '"}');
    }

    function _hash(bytes memory name, bytes32 value) private pure returns (bytes memory) {
        return _text(name, bytes(uint256(value).toHexString(32)));
    }

    function _number(bytes memory name, uint256 value) private pure returns (bytes memory) {
        return bytes.concat('{"trait_type":"', name, '","value":', bytes(value.toString()), "}");
    }

    function _dataUri(bytes memory json) private pure returns (string memory) {
        return string.concat("data:application/json;base64,", Base64.encode(json));
    }
}
