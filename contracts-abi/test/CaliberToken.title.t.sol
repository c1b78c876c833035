// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {Amendment, MintAuthorization, Title} from "../src/interfaces/TitleTypes.sol";
import {Devices} from "./support/Devices.sol";

contract CaliberTokenTitleTest is Devices {
    bytes32 private constant NEW_EVIDENCE = keccak256("new evidence");
    string private constant PREFIX = "data:application/json;base64,";

    function setUp() public {
        deployToken();
        mintFor(1);
    }

    function amend(uint256 tokenId, bytes32 evidence, uint8 assurance) private {
        vm.prank(REGISTRAR);
        token.amend(tokenId, evidence, assurance);
    }

    /// @dev Written out once more, so that the published order of members is what the contract hashes.
    function fingerprintWith(uint8 assurance) private view returns (bytes32) {
        return keccak256(abi.encode(1, keyHashOf(1), strongOf(1), weakOf(1), assurance, headerHash, address(0)));
    }

    function test_amendmentsAreNumberedAndAttributed() public {
        vm.expectEmit(address(token));
        emit ICaliberToken.TitleAmended(1, 1, REGISTRAR, Amendment.Evidence, NEW_EVIDENCE, 2, fingerprintWith(2));
        vm.expectEmit(address(token));
        emit IERC4906.MetadataUpdate(1);
        amend(1, NEW_EVIDENCE, 2);
        vm.expectEmit(address(token));
        emit ICaliberToken.TitleAmended(1, 2, REGISTRAR, Amendment.Evidence, NEW_EVIDENCE, 0, fingerprintWith(0));
        amend(1, NEW_EVIDENCE, 0);

        Title memory title = token.titleOf(1);
        vm.assertEq(title.amendments, 2);
        vm.assertEq(title.evidence, NEW_EVIDENCE);
        vm.assertEq(title.assurance, 0);
    }

    function test_amendRefuses() public {
        bytes32 role = token.REGISTRAR_ROLE();
        vm.expectRevert(abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, HOLDER, role));
        vm.prank(HOLDER);
        token.amend(1, NEW_EVIDENCE, 0);
        vm.expectRevert(ICaliberToken.EvidenceMissing.selector);
        amend(1, bytes32(0), 0);
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.AssuranceUnknown.selector, 4));
        amend(1, NEW_EVIDENCE, 4);
        vm.expectPartialRevert(bytes4(keccak256("ERC721NonexistentToken(uint256)")));
        amend(2, NEW_EVIDENCE, 0);

        MintAuthorization memory declared = authorizationOf(2);
        declared.strongIdentity = bytes32(0);
        declared.assurance = 0;
        submit(signWith(2, declared));
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.AssuranceUnfounded.selector, 2));
        amend(2, NEW_EVIDENCE, 2);
    }

    function test_fingerprintMovesWithAssuranceAndNotWithEvidence() public {
        bytes32 first = token.getStateFingerprint(1);
        amend(1, NEW_EVIDENCE, 3);
        vm.assertEq(token.getStateFingerprint(1), first);
        vm.prank(HOLDER);
        token.transferFrom(HOLDER, ADMIN, 1);
        vm.assertEq(token.getStateFingerprint(1), first);
        amend(1, NEW_EVIDENCE, 2);
        vm.assertNotEq(token.getStateFingerprint(1), first);
        amend(1, NEW_EVIDENCE, 3);
        vm.assertEq(token.getStateFingerprint(1), first);
    }

    /// @dev Two tokens of the same id that differ in a single member.
    function testFuzz_fingerprintTellsTitlesApart(uint8 member) public {
        MintAuthorization memory changed = authorizationOf(1);
        uint256 device = 1;
        bytes32 first = token.getStateFingerprint(1);
        member = member % 5;
        if (member == 0) (device, changed.deviceKeyHash) = (2, keyHashOf(2));
        if (member == 1) changed.strongIdentity = strongOf(2);
        if (member == 2) changed.weakIdentity = weakOf(2);
        if (member == 3) changed.headerHash = bytes32(0);
        if (member == 4) changed.assurance = 2;
        deployToken();
        submit(signWith(device, changed));
        vm.assertNotEq(token.getStateFingerprint(1), first);
    }

    function test_uriIsCompleteJson() public {
        string memory json = decode(token.tokenURI(1));
        vm.assertEq(vm.parseJsonString(json, ".name"), "CALIBER title #1");
        vm.assertEq(
            vm.parseJsonString(json, ".subject"),
            string.concat("did:erc721:31337:", Strings.toChecksumHexString(address(token)), ":1")
        );
        vm.assertEq(vm.parseJsonString(json, ".attributes[0].value"), "tpm");
        vm.assertEq(vm.parseJsonString(json, ".attributes[1].value"), "silicon");
        vm.assertEq(vm.parseJsonBytes32(json, ".attributes[2].value"), keyHashOf(1));
        vm.assertEq(vm.parseJsonBytes32(json, ".attributes[3].value"), strongOf(1));
        vm.assertEq(vm.parseJsonBytes32(json, ".attributes[4].value"), weakOf(1));
        vm.assertEq(vm.parseJsonBytes32(json, ".attributes[5].value"), sha256("evidence"));
        vm.assertEq(vm.parseJsonUint(json, ".attributes[8].value"), block.timestamp);
        amend(1, NEW_EVIDENCE, 0);
        json = decode(token.tokenURI(1));
        vm.assertEq(vm.parseJsonString(json, ".attributes[0].value"), "software");
        vm.assertEq(vm.parseJsonString(json, ".attributes[1].value"), "declared");
        vm.assertEq(vm.parseJsonUint(json, ".attributes[9].value"), 1);
        vm.assertEq(vm.parseJsonString(decode(token.contractURI()), ".symbol"), "CALIBER");
    }

    /// @dev A header is free text of the registrar's, and must not be able to say anything but itself.
    function test_uriIsJsonWhateverTheHeaderSays() public {
        string memory place = unicode'Hall "9", row \\ 2\n\u0001 – Zürich","evidence":"';
        headerHash = register(place);
        uint256 tokenId = mintFor(2);
        string memory json = decode(token.tokenURI(tokenId));
        vm.assertEq(vm.parseJsonString(json, ".declared.stored_location"), place);
        vm.assertEq(vm.parseJsonString(json, ".declared.token_issuer"), "Example Issuer");
        vm.assertEq(vm.parseJsonString(json, ".declared.declared_value"), "3000000");
        vm.assertEq(vm.parseJsonBytes32(json, ".attributes[7].value"), headerHash);
        vm.assertFalse(vm.keyExistsJson(json, ".evidence"));
        headerHash = bytes32(0);
        json = decode(token.tokenURI(mintFor(3)));
        vm.assertFalse(vm.keyExistsJson(json, ".declared"));
    }

    function test_theRegistryShowsMoreElsewhere() public {
        vm.assertFalse(vm.keyExistsJson(decode(token.tokenURI(1)), ".external_url"));
        vm.expectEmit(address(token));
        emit IERC4906.BatchMetadataUpdate(1, 1);
        vm.prank(REGISTRAR);
        token.setRegistryUri("https://registry.example/v1/tokens/");
        vm.assertEq(
            vm.parseJsonString(decode(token.tokenURI(1)), ".external_url"), "https://registry.example/v1/tokens/1"
        );
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        token.setRegistryUri("https://elsewhere.example/");
    }

    function decode(string memory uri) private pure returns (string memory) {
        bytes memory all = bytes(uri);
        uint256 skipped = bytes(PREFIX).length;
        bytes memory encoded = new bytes(all.length - skipped);
        for (uint256 i = 0; i < encoded.length; ++i) {
            encoded[i] = all[i + skipped];
        }
        return string(Base64.decode(string(encoded)));
    }

    function test_interfaces() public view {
        vm.assertTrue(token.supportsInterface(0x01ffc9a7), "ERC-165");
        vm.assertTrue(token.supportsInterface(0x80ac58cd), "ERC-721");
        vm.assertTrue(token.supportsInterface(0x5b5e139f), "ERC-721 metadata");
        vm.assertTrue(token.supportsInterface(0x49064906), "ERC-4906");
        vm.assertTrue(token.supportsInterface(0xf5112315), "ERC-5646");
        vm.assertTrue(token.supportsInterface(0x7965db0b), "access control");
        vm.assertFalse(token.supportsInterface(0xffffffff));
    }

    function test_adminMovesInTwoSteps() public {
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(HOLDER);
        vm.expectPartialRevert(bytes4(keccak256("AccessControlEnforcedDefaultAdminDelay(uint48)")));
        vm.prank(HOLDER);
        token.acceptDefaultAdminTransfer();
        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(HOLDER);
        token.acceptDefaultAdminTransfer();
        vm.assertEq(token.owner(), HOLDER);
    }
}
