// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Header, Title} from "../interfaces/TitleTypes.sol";
import {Assurance} from "../libraries/Assurance.sol";

/// @title TitleRenderer
/// @notice JSON of a title from what its token contract hands over. A contract of its own because the token would
/// not fit under the code size limit with it.
/// @dev Headers and the registry's address are free text and are escaped; nothing else is text.
contract TitleRenderer {
    using Strings for uint256;

    /// @notice A complete `data:` URI for a token of the calling contract.
    function tokenUri(
        uint256 tokenId,
        Title calldata title,
        Header calldata header,
        bytes32 fingerprint,
        string calldata registryUri
    ) external view returns (string memory) {
        bytes memory id = bytes(tokenId.toString());
        return _dataUri(
            bytes.concat(
                '{"name":"CALIBER title #',
                id,
                '","description":"Document of title to one GPU. Each claim says how it is known; ownership of the hardware is proved by none.","subject":"did:erc721:',
                bytes(block.chainid.toString()),
                ":",
                bytes(Strings.toChecksumHexString(msg.sender)),
                ":",
                id,
                '","attributes":[',
                _hardware(title),
                ",",
                _history(title, fingerprint),
                "]",
                title.headerHash == bytes32(0) ? bytes("") : _header(header),
                bytes(registryUri).length == 0
                    ? bytes("")
                    : bytes.concat(',"external_url":"', bytes(Strings.escapeJSON(registryUri)), id, '"'),
                "}"
            )
        );
    }

    /// @notice A complete `data:` URI for the collection.
    function contractUri() external pure returns (string memory) {
        return _dataUri(
            '{"name":"CALIBER titles","symbol":"CALIBER","description":"Documents of title to GPUs, minted with the signature of the device itself."}'
        );
    }

    function _hardware(Title calldata title) private pure returns (bytes memory) {
        return bytes.concat(
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
            _hash("weak_identity", title.weakIdentity),
            ",",
            _hash("evidence", title.evidence),
            ",",
            _hash("log_origin", title.logOrigin),
            ",",
            _hash("header", title.headerHash)
        );
    }

    function _history(Title calldata title, bytes32 fingerprint) private pure returns (bytes memory) {
        return bytes.concat(
            _number("minted_at", title.mintedAt),
            ",",
            _number("amendments", title.amendments),
            ",",
            _number("predecessor", title.predecessor),
            ",",
            _number("disputed_until", title.disputedUntil),
            ",",
            _text("controller", bytes(Strings.toChecksumHexString(title.controller))),
            ",",
            _hash("fingerprint", fingerprint)
        );
    }

    /// @dev Names after ERC-7578; all of it is declared.
    function _header(Header calldata header) private pure returns (bytes memory) {
        return bytes.concat(
            ',"declared":{',
            _member("token_issuer", header.tokenIssuer),
            ",",
            _member("asset_holder", header.assetHolder),
            ",",
            _member("stored_location", header.storedLocation),
            ",",
            _member("terms", header.terms),
            ",",
            _member("jurisdiction", header.jurisdiction),
            ",",
            _member("value_currency", header.valueCurrency),
            ",",
            _member("declared_value", header.declaredValue.toString()),
            "}"
        );
    }

    function _member(bytes memory name, string memory value) private pure returns (bytes memory) {
        return bytes.concat('"', name, '":"', bytes(Strings.escapeJSON(value)), '"');
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
