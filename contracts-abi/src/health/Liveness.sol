// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Liveness
/// @notice One bit a token says "its recorded state still holds", for 224 tokens a word: what keeps a quiet fleet's
/// states counting for days at a few gas a token.
/// @dev Two words a page, for the same reason as two records a token. A stored word is an epoch (32 bits) and 224
/// bits.
abstract contract Liveness {
    uint256 private constant PAGE_TOKENS = 224;

    mapping(uint256 page => uint256[2]) private _words;
    /// @dev Zero until the epoch is complete, and for one without liveness.
    mapping(uint256 epoch => uint64) private _until;

    /// @dev The later complete word of a token's page decides, bit set or not: an earlier one never counts beside it.
    /// It says nothing about a record whose sequence is younger.
    function _livenessOf(uint256 tokenId, uint32 bornEpoch) internal view returns (uint64) {
        uint256[2] storage words = _words[tokenId / PAGE_TOKENS];
        uint256 word = words[_counting(words)];
        uint256 epoch = word >> PAGE_TOKENS;
        bool isAlive = (word >> (tokenId % PAGE_TOKENS)) & 1 == 1;
        return isAlive && epoch >= bornEpoch ? _until[epoch] : 0;
    }

    /// @dev A page given twice in an epoch is what was given last.
    function _stageLiveness(uint256[] calldata pagesAndBits, uint32 epoch) internal {
        for (uint256 i = 0; i < pagesAndBits.length; ++i) {
            uint256[2] storage words = _words[pagesAndBits[i] >> PAGE_TOKENS];
            uint256 target = 1 - _counting(words);
            // A post in one piece is complete before its words are taken, so a word of it may count already.
            if (words[1 - target] >> PAGE_TOKENS == epoch) target = 1 - target;
            words[target] = (uint256(epoch) << PAGE_TOKENS) | uint224(pagesAndBits[i]);
        }
    }

    function _completeLiveness(uint32 epoch, uint64 until) internal {
        _until[epoch] = until;
    }

    /// @dev Which word of a page counts; the first one where none does, which then says nothing.
    function _counting(uint256[2] storage words) private view returns (uint256) {
        uint256 first = words[0] >> PAGE_TOKENS;
        uint256 second = words[1] >> PAGE_TOKENS;
        if (_until[second] == 0) return 0;
        return _until[first] != 0 && first > second ? 0 : 1;
    }
}
