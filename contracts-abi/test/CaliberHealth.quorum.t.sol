// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestorSignature, EpochPost, State} from "../src/interfaces/HealthTypes.sol";
import {ICaliberHealth} from "../src/interfaces/ICaliberHealth.sol";
import {HealthFixture} from "./support/HealthFixture.sol";
import {Wallet} from "./support/Wallet.sol";

/// @notice Whose word counts, and the switch for when it no longer should.
contract CaliberHealthQuorumTest is HealthFixture {
    bytes32 private constant DIGEST = keccak256("anything");
    bytes4 private constant UNAUTHORIZED = bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)"));

    function setUp() public {
        deployHealth();
    }

    function test_twoOfThreeInAnyPair() public view {
        health.requireQuorum(DIGEST, pair(0, 1));
        health.requireQuorum(DIGEST, pair(0, 2));
        health.requireQuorum(DIGEST, pair(1, 2));
        AttestorSignature[] memory all = new AttestorSignature[](3);
        (all[0], all[1], all[2]) = (signedBy(0, DIGEST), signedBy(1, DIGEST), signedBy(2, DIGEST));
        health.requireQuorum(DIGEST, all);
    }

    function pair(uint256 first, uint256 second) private view returns (AttestorSignature[] memory signatures) {
        signatures = new AttestorSignature[](2);
        (signatures[0], signatures[1]) = (signedBy(first, DIGEST), signedBy(second, DIGEST));
    }

    function test_refuses() public {
        AttestorSignature[] memory single = new AttestorSignature[](1);
        single[0] = signedBy(0, DIGEST);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.QuorumMissing.selector, 1, 2));
        health.requireQuorum(DIGEST, single);
        AttestorSignature[] memory twice = pair(0, 0);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorOutOfPlace.selector, attestors()[0]));
        health.requireQuorum(DIGEST, twice);
        AttestorSignature[] memory back = pair(1, 0);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorOutOfPlace.selector, attestors()[0]));
        health.requireQuorum(DIGEST, back);
        AttestorSignature[] memory other = pair(0, 1);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorSignatureInvalid.selector, attestors()[0]));
        health.requireQuorum(keccak256("other"), other);
        other[1].attestor = address(type(uint160).max);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorOutOfPlace.selector, other[1].attestor));
        health.requireQuorum(DIGEST, other);
    }

    function test_anyoneSendsWhatAQuorumSigned() public {
        EpochPost memory epoch = epochOf(1, keccak256("root"), 1, uint64(START + 900), chunkHash(noLeaves(), noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        vm.prank(address(0xBEEF));
        health.post(epoch, noLeaves(), noWords(), signatures);
        (uint32 number,,,,) = health.fleet();
        vm.assertEq(number, 1);
    }

    /// @dev Each member of the epoch, and the items through their hash, are under the signatures.
    function testFuzz_nothingCanBeChangedAfterSigning(uint8 member) public {
        EpochPost memory epoch = epochOf(1, keccak256("root"), 1, uint64(START + 900), chunkHash(noLeaves(), noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        member = member % 7;
        if (member == 0) epoch.epoch += 1;
        if (member == 1) epoch.fleetRoot = keccak256("other");
        if (member == 2) epoch.fleetSize += 1;
        if (member == 3) epoch.fleetUntil += 1;
        if (member == 4) epoch.livenessUntil += 1;
        if (member == 5) epoch.chunks[0] = chunkHash(list(leafOf(1, 1, State.Healthy)), noWords());
        if (member == 6) epoch.chunks = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorSignatureInvalid.selector, attestors()[0]));
        health.post(epoch, noLeaves(), noWords(), signatures);
    }

    function test_itemsMustBeWhatWasSigned() public {
        EpochPost memory epoch = epochOf(1, keccak256("root"), 1, uint64(START + 900), chunkHash(noLeaves(), noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        bytes32 given = chunkHash(list(leafOf(1, 1, State.Healthy)), noWords());
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.ChunkMismatch.selector, 0, epoch.chunks[0], given));
        health.post(epoch, list(leafOf(1, 1, State.Healthy)), noWords(), signatures);
    }

    function test_anotherContractsSignaturesAreRefused() public {
        EpochPost memory epoch = epochOf(1, keccak256("root"), 1, uint64(START + 900), chunkHash(noLeaves(), noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        deployHealth();
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorSignatureInvalid.selector, attestors()[0]));
        health.post(epoch, noLeaves(), noWords(), signatures);
    }

    function one(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }

    function test_theAttestorsAreSetByTheirRole() public {
        vm.expectPartialRevert(UNAUTHORIZED);
        vm.prank(HEALTH_ADMIN);
        health.setAttestors(one(address(1)), 1);

        Wallet wallet = new Wallet(vm.addr(91));
        vm.expectEmit(address(health));
        emit ICaliberHealth.AttestorsSet(one(address(wallet)), 1);
        vm.prank(QUORUM_KEEPER);
        health.setAttestors(one(address(wallet)), 1);
        (address[] memory accounts, uint8 threshold) = health.quorum();
        vm.assertEq(accounts.length, 1);
        vm.assertEq(threshold, 1);
        AttestorSignature[] memory former = quorumOver(DIGEST);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorOutOfPlace.selector, attestors()[0]));
        health.requireQuorum(DIGEST, former);

        (uint8 v, bytes32 r, bytes32 s) = vm.sign(91, DIGEST);
        AttestorSignature[] memory byContract = new AttestorSignature[](1);
        byContract[0] = AttestorSignature(address(wallet), abi.encodePacked(r, s, v));
        health.requireQuorum(DIGEST, byContract);
        (v, r, s) = vm.sign(92, DIGEST);
        byContract[0].signature = abi.encodePacked(r, s, v);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.AttestorSignatureInvalid.selector, wallet));
        health.requireQuorum(DIGEST, byContract);
    }

    function test_noQuorumThatCannotBe() public {
        address[] memory two = new address[](2);
        (two[0], two[1]) = (address(1), address(1));
        vm.startPrank(QUORUM_KEEPER);
        vm.expectRevert(ICaliberHealth.QuorumInvalid.selector);
        health.setAttestors(two, 1);
        two[1] = address(0);
        vm.expectRevert(ICaliberHealth.QuorumInvalid.selector);
        health.setAttestors(two, 1);
        two[1] = address(2);
        vm.expectRevert(ICaliberHealth.QuorumInvalid.selector);
        health.setAttestors(two, 0);
        vm.expectRevert(ICaliberHealth.QuorumInvalid.selector);
        health.setAttestors(two, 3);
        vm.expectRevert(ICaliberHealth.QuorumInvalid.selector);
        health.setAttestors(new address[](33), 1);
        health.setAttestors(two, 2);
    }

    function test_newAttestorsAbandonWhatTheFormerBegan() public {
        EpochPost memory epoch = EpochPost(3, keccak256("root"), 1, uint64(START + 900), 0, new bytes32[](2));
        epoch.chunks[0] = epoch.chunks[1] = chunkHash(noLeaves(), noWords());
        health.post(epoch, noLeaves(), noWords(), quorumOver(health.epochDigest(epoch)));
        vm.prank(QUORUM_KEEPER);
        health.setAttestors(one(address(9)), 1);
        vm.expectRevert(abi.encodeWithSelector(ICaliberHealth.EpochNotStaged.selector, 3));
        health.postChunk(epoch, noLeaves(), noWords());
    }

    function test_thePauseReadsStaleAndTakesNothing() public {
        post(list(leafOf(1, 1, State.Healthy)));
        vm.expectPartialRevert(UNAUTHORIZED);
        health.pause();
        vm.prank(HEALTH_PAUSER);
        health.pause();
        vm.assertTrue(health.paused());
        vm.assertEq(uint8(stateOf(1)), uint8(State.Stale));
        EpochPost memory epoch = epochOf(9, keccak256("root"), 1, 1, chunkHash(noLeaves(), noWords()));
        AttestorSignature[] memory signatures = quorumOver(health.epochDigest(epoch));
        vm.expectRevert(ICaliberHealth.HealthPaused.selector);
        health.post(epoch, noLeaves(), noWords(), signatures);
        vm.expectRevert(ICaliberHealth.HealthPaused.selector);
        health.prove(leafOf(1, 2, State.Healthy), 0, new bytes32[](0));
        vm.prank(HEALTH_PAUSER);
        health.unpause();
        vm.assertEq(uint8(stateOf(1)), uint8(State.Healthy));
    }
}
