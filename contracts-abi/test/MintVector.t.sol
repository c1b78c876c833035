// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaliberToken} from "../src/CaliberToken.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {Header, MintAuthorization} from "../src/interfaces/TitleTypes.sol";
import {DeviceKey} from "../src/libraries/DeviceKey.sol";
import {TitleHashes} from "../src/libraries/TitleHashes.sol";
import {Cheats} from "./support/Cheats.sol";

/// @notice The published vector, from the contract's side.
contract MintVectorTest is Cheats {
    /// @dev Account 0 of a development chain.
    address private constant DEPLOYER = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;

    string private vector;
    CaliberToken private token;

    function setUp() public {
        vector = vm.readFile("fixtures/vectors/mint-authorization.json");
        vm.chainId(vm.parseJsonUint(vector, ".domain.chainId"));
        vm.prank(DEPLOYER);
        token = new CaliberToken(0, DEPLOYER, DEPLOYER);
        vm.assertEq(address(token), vm.parseJsonAddress(vector, ".domain.verifyingContract"));
        vm.prank(DEPLOYER);
        vm.assertEq(token.registerHeader(header()), field(".message.headerHash"));
    }

    function header() private view returns (Header memory) {
        return Header({
            tokenIssuer: vm.parseJsonString(vector, ".header.tokenIssuer"),
            assetHolder: vm.parseJsonString(vector, ".header.assetHolder"),
            storedLocation: vm.parseJsonString(vector, ".header.storedLocation"),
            terms: vm.parseJsonString(vector, ".header.terms"),
            jurisdiction: vm.parseJsonString(vector, ".header.jurisdiction"),
            valueCurrency: vm.parseJsonString(vector, ".header.valueCurrency"),
            declaredValue: vm.parseJsonUint(vector, ".header.declaredValue")
        });
    }

    function authorization() private view returns (MintAuthorization memory) {
        return MintAuthorization({
            recipient: vm.parseJsonAddress(vector, ".message.recipient"),
            deviceKeyHash: field(".message.deviceKeyHash"),
            strongIdentity: field(".message.strongIdentity"),
            weakIdentity: field(".message.weakIdentity"),
            evidence: field(".message.evidence"),
            logOrigin: field(".message.logOrigin"),
            headerHash: field(".message.headerHash"),
            assurance: uint8(vm.parseJsonUint(vector, ".message.assurance")),
            predecessor: vm.parseJsonUint(vector, ".message.predecessor"),
            nonce: uint64(vm.parseJsonUint(vector, ".message.nonce")),
            deadline: uint64(vm.parseJsonUint(vector, ".message.deadline"))
        });
    }

    function field(string memory path) private view returns (bytes32) {
        return vm.parseJsonBytes32(vector, path);
    }

    function test_hashesAgree() public view {
        vm.assertEq(DeviceKey.hash(field(".key.x"), field(".key.y")), field(".message.deviceKeyHash"));
        vm.assertEq(sha256(vm.parseJsonBytes(vector, ".key.spki")), field(".message.deviceKeyHash"));
        vm.assertEq(keccak256(bytes(vm.parseJsonString(vector, ".type"))), field(".typeHash"));
        vm.assertEq(TitleHashes.MINT_TYPE_HASH, field(".typeHash"));
        bytes memory preimage = token.mintDigestPreimage(authorization());
        vm.assertEq(preimage.length, 66);
        vm.assertEq(preimage, vm.parseJsonBytes(vector, ".preimage"));
        vm.assertEq(sha256(preimage), field(".digest"));
    }

    function test_signatureMints() public {
        MintAuthorization memory signed = authorization();
        (bytes32 x, bytes32 y) = (field(".key.x"), field(".key.y"));
        (bytes32 r, bytes32 s) = (field(".signature.r"), field(".signature.s"));
        vm.prank(DEPLOYER);
        vm.assertEq(token.mint(signed, x, y, r, s), 1);
        vm.assertEq(token.ownerOf(1), signed.recipient);
    }

    function test_highSIsRefused() public {
        MintAuthorization memory signed = authorization();
        (bytes32 x, bytes32 y) = (field(".key.x"), field(".key.y"));
        (bytes32 r, bytes32 s) = (field(".refusedSignature.r"), field(".refusedSignature.s"));
        vm.expectRevert(abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, signed.deviceKeyHash));
        vm.prank(DEPLOYER);
        token.mint(signed, x, y, r, s);
    }
}
