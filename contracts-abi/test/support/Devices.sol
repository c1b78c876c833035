// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {CaliberToken} from "../../src/CaliberToken.sol";
import {DeviceProof, Header, MintAuthorization} from "../../src/interfaces/TitleTypes.sol";
import {DeviceKey} from "../../src/libraries/DeviceKey.sol";
import {Cheats} from "./Cheats.sol";

struct Signed {
    MintAuthorization authorization;
    bytes32 qx;
    bytes32 qy;
    bytes32 r;
    bytes32 s;
}

/// @notice A token contract and devices that sign for it. A device is named by its private key.
abstract contract Devices is Cheats {
    address internal constant ADMIN = address(0xAD);
    address internal constant REGISTRAR = address(0x4E6);
    address internal constant HOLDER = address(0x401D);

    address internal constant ARBITER = address(0xA4B);
    address internal constant CUSTODY = address(0xC0D);
    address internal constant PAUSER = address(0x9A5);

    CaliberToken internal token;
    bytes32 internal headerHash;

    function deployToken() internal {
        vm.warp(1_800_000_000);
        token = new CaliberToken(1 days, ADMIN, REGISTRAR);
        vm.startPrank(ADMIN);
        token.grantRole(token.ARBITER_ROLE(), ARBITER);
        token.grantRole(token.CUSTODY_ROLE(), CUSTODY);
        token.grantRole(token.PAUSER_ROLE(), PAUSER);
        vm.stopPrank();
        headerHash = register("Hall 1");
    }

    function header(string memory place) internal pure returns (Header memory) {
        return Header({
            tokenIssuer: "Example Issuer",
            assetHolder: "Example Bailee",
            storedLocation: place,
            terms: "https://terms.example/1",
            jurisdiction: "US-DE",
            valueCurrency: "USD",
            declaredValue: 3_000_000
        });
    }

    function register(string memory place) internal returns (bytes32) {
        vm.prank(REGISTRAR);
        return token.registerHeader(header(place));
    }

    function keyHashOf(uint256 device) internal view returns (bytes32) {
        (uint256 x, uint256 y) = vm.publicKeyP256(device);
        return DeviceKey.hash(bytes32(x), bytes32(y));
    }

    function weakOf(uint256 number) internal pure returns (bytes32) {
        return sha256(abi.encode("weak", number));
    }

    function strongOf(uint256 number) internal pure returns (bytes32) {
        return sha256(abi.encode("strong", number));
    }

    /// @dev A sound authorization of a device with identities of its own number.
    function authorizationOf(uint256 device) internal view returns (MintAuthorization memory) {
        return MintAuthorization({
            recipient: HOLDER,
            deviceKeyHash: keyHashOf(device),
            strongIdentity: strongOf(device),
            weakIdentity: weakOf(device),
            evidence: sha256("evidence"),
            logOrigin: sha256("origin"),
            headerHash: headerHash,
            assurance: 3,
            predecessor: 0,
            nonce: 0,
            deadline: uint64(block.timestamp + 1 hours)
        });
    }

    function signWith(uint256 device, MintAuthorization memory authorization) internal view returns (Signed memory) {
        DeviceProof memory proof = proofOf(device, token.mintDigestPreimage(authorization));
        return Signed(authorization, proof.qx, proof.qy, proof.r, proof.s);
    }

    /// @dev What a device's agent gives: ES256 over the preimage, low-S.
    function proofOf(uint256 device, bytes memory preimage) internal pure returns (DeviceProof memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(device);
        (bytes32 r, bytes32 s) = vm.signP256(device, sha256(preimage));
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
        return DeviceProof(bytes32(x), bytes32(y), r, s);
    }

    function submit(Signed memory signed) internal returns (uint256) {
        vm.prank(REGISTRAR);
        return token.mint(signed.authorization, signed.qx, signed.qy, signed.r, signed.s);
    }

    function mintFor(uint256 device) internal returns (uint256) {
        return submit(signWith(device, authorizationOf(device)));
    }

    /// @dev Signs with the device's own key and expects the mint to revert with exactly these bytes.
    function expectRefused(uint256 device, MintAuthorization memory authorization, bytes memory reason) internal {
        Signed memory signed = signWith(device, authorization);
        vm.expectRevert(reason);
        submit(signed);
    }
}
