// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {CaliberLog} from "../src/CaliberLog.sol";
import {ICaliberToken} from "../src/interfaces/ICaliberToken.sol";
import {DeviceProof} from "../src/interfaces/TitleTypes.sol";
import {MerkleRfc6962} from "../src/libraries/MerkleRfc6962.sol";
import {Amendments} from "./support/Amendments.sol";
import {Signed} from "./support/Devices.sol";

/// @notice All that rests on a device's signature, on a chain with the P-256 precompile and on one without.
abstract contract P256Behaviour is Amendments {
    function isThere() internal view returns (bool) {
        bytes32 digest = sha256("is it there");
        DeviceProof memory key = proofOf(1, "is it there");
        (bool ok, bytes memory answer) = address(0x100).staticcall(abi.encode(digest, key.r, key.s, key.qx, key.qy));
        return ok && answer.length == 32;
    }

    function test_mintsRotatesAndReplaces() public {
        vm.assertEq(mintFor(1), 1);
        submitRotation(rotationOf(1, 1), 1, 101);
        vm.prank(HOLDER);
        token.setController(1, controller());
        submitReplacement(replacementOf(1, 9), 9, CONTROLLER_KEY);
        vm.assertEq(token.titleOf(1).deviceKeyHash, keyHashOf(9));
    }

    function test_refusesOtherSignatures() public {
        Signed memory signed = signWith(1, authorizationOf(1));
        bytes memory reason = abi.encodeWithSelector(ICaliberToken.DeviceSignatureInvalid.selector, keyHashOf(1));
        bytes32 s = signed.s;
        signed.s = bytes32(P256.N - uint256(s));
        vm.expectRevert(reason);
        submit(signed);
        (signed.r, signed.s) = (s, signed.r);
        vm.expectRevert(reason);
        submit(signed);
        (signed.r, signed.s) = (bytes32(0), s);
        vm.expectRevert(reason);
        submit(signed);
    }

    function test_provesReports() public {
        CaliberLog log = new CaliberLog(1 days, ADMIN, REGISTRAR);
        DeviceProof memory key = proofOf(1, "PAE");
        bytes memory entry = abi.encodePacked(hex"0101", keyHashOf(1), key.r, key.s, "PAE");
        bytes32 root = MerkleRfc6962.hashLeaf(entry);
        vm.prank(REGISTRAR);
        log.anchor(keccak256("origin"), 1, root);
        (bytes32 device,) = log.proveReport(keccak256("origin"), 1, 0, new bytes32[](0), entry, key.qx, key.qy);
        vm.assertEq(device, keyHashOf(1));
        vm.expectPartialRevert(ICaliberToken.DeviceKeyMismatch.selector);
        log.proveReport(keccak256("origin"), 1, 0, new bytes32[](0), entry, key.qy, key.qx);
    }
}

contract P256PresentTest is P256Behaviour {
    function setUp() public {
        deployToken();
        vm.assertTrue(isThere(), "this chain should have the precompile");
    }
}

/// forge-config: default.evm_version = "prague"
contract P256AbsentTest is P256Behaviour {
    function setUp() public {
        deployToken();
        vm.assertFalse(isThere());
    }

    function test_andCostsWhatItCosts() public {
        mintFor(1);
        vm.assertTrue(vm.lastCallGas().gasTotalUsed > 350_000, "not computed in Solidity");
    }
}
