// Generated from contracts-abi/src by scripts/contracts/generate.mjs. Do not edit.
export const loanRouterV2StandInAbi = [
  {
    "inputs": [
      {
        "internalType": "contract CollateralTimelockStandIn",
        "name": "timelock",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "operator",
        "type": "address"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [],
    "name": "InvalidAmount",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidCaller",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidLength",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidLoanState",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "string",
        "name": "reason",
        "type": "string"
      }
    ],
    "name": "InvalidLoanTerms",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidShortString",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidSignature",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "string",
        "name": "str",
        "type": "string"
      }
    ],
    "name": "StringTooLong",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [],
    "name": "EIP712DomainChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "loanTermsHash",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "proceeds",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "fee",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "surplus",
        "type": "uint256"
      }
    ],
    "name": "LiquidationProceedsDeposited",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "loanTermsHash",
        "type": "bytes32"
      }
    ],
    "name": "LoanBreached",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "loanTermsHash",
        "type": "bytes32"
      }
    ],
    "name": "LoanLiquidated",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "loanTermsHash",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "loanTerms",
        "type": "bytes"
      }
    ],
    "name": "LoanOriginated",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "oldLoanTermsHash",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "newLoanTermsHash",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "newLoanTerms",
        "type": "bytes"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "cashOut",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "cashIn",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "refinanceFee",
        "type": "uint256"
      }
    ],
    "name": "LoanRefinanced",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "loanTermsHash",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "borrower",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "principal",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "interest",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "prepayment",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "fee",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "bool",
        "name": "isRepaid",
        "type": "bool"
      }
    ],
    "name": "LoanRepaid",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "collateralTimelock",
    "outputs": [
      {
        "internalType": "contract CollateralTimelockStandIn",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "terms",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "proceeds",
        "type": "uint256"
      }
    ],
    "name": "depositLiquidationProceeds",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "eip712Domain",
    "outputs": [
      {
        "internalType": "bytes1",
        "name": "fields",
        "type": "bytes1"
      },
      {
        "internalType": "string",
        "name": "name",
        "type": "string"
      },
      {
        "internalType": "string",
        "name": "version",
        "type": "string"
      },
      {
        "internalType": "uint256",
        "name": "chainId",
        "type": "uint256"
      },
      {
        "internalType": "address",
        "name": "verifyingContract",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint256[]",
        "name": "extensions",
        "type": "uint256[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "terms",
        "type": "tuple"
      }
    ],
    "name": "liquidate",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      }
    ],
    "name": "loanState",
    "outputs": [
      {
        "internalType": "enum LoanStatus",
        "name": "status",
        "type": "uint8"
      },
      {
        "internalType": "uint16",
        "name": "repaymentCount",
        "type": "uint16"
      },
      {
        "internalType": "uint64",
        "name": "originationTimestamp",
        "type": "uint64"
      },
      {
        "internalType": "uint256",
        "name": "scaledBalance",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "terms",
        "type": "tuple"
      }
    ],
    "name": "loanTermsHash",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      },
      {
        "internalType": "bytes",
        "name": "",
        "type": "bytes"
      }
    ],
    "name": "onERC721Received",
    "outputs": [
      {
        "internalType": "bytes4",
        "name": "",
        "type": "bytes4"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "terms",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "enum DepositType",
            "name": "depositType",
            "type": "uint8"
          },
          {
            "internalType": "bytes",
            "name": "data",
            "type": "bytes"
          }
        ],
        "internalType": "struct LenderDepositInfo[]",
        "name": "deposits",
        "type": "tuple[]"
      },
      {
        "internalType": "bytes[]",
        "name": "approvalSignatures",
        "type": "bytes[]"
      }
    ],
    "name": "originate",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "principal",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "old",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "next",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "expectedBalance",
        "type": "uint256"
      }
    ],
    "name": "refinance",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "expiration",
            "type": "uint64"
          },
          {
            "internalType": "address",
            "name": "borrower",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "currencyToken",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "collateralToken",
            "type": "address"
          },
          {
            "components": [
              {
                "internalType": "uint16",
                "name": "totalDurationDays",
                "type": "uint16"
              },
              {
                "internalType": "uint8",
                "name": "day",
                "type": "uint8"
              },
              {
                "internalType": "int32",
                "name": "timezoneOffsetSeconds",
                "type": "int32"
              }
            ],
            "internalType": "struct RepaymentSpec",
            "name": "repaymentSpec",
            "type": "tuple"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct InterestRateSpec",
            "name": "interestRateSpec",
            "type": "tuple"
          },
          {
            "internalType": "uint256[]",
            "name": "collateralTokenIds",
            "type": "uint256[]"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "lender",
                "type": "address"
              },
              {
                "internalType": "uint256",
                "name": "amount",
                "type": "uint256"
              },
              {
                "internalType": "uint256",
                "name": "rate",
                "type": "uint256"
              }
            ],
            "internalType": "struct TrancheSpec[]",
            "name": "trancheSpecs",
            "type": "tuple[]"
          },
          {
            "components": [
              {
                "internalType": "enum FeeKind",
                "name": "kind",
                "type": "uint8"
              },
              {
                "internalType": "address",
                "name": "recipient",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "model",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "options",
                "type": "bytes"
              }
            ],
            "internalType": "struct FeeSpec[]",
            "name": "feeSpecs",
            "type": "tuple[]"
          },
          {
            "internalType": "address[]",
            "name": "approvalAddresses",
            "type": "address[]"
          },
          {
            "internalType": "bytes",
            "name": "options",
            "type": "bytes"
          }
        ],
        "internalType": "struct LoanTermsV2",
        "name": "terms",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "repay",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "hash",
        "type": "bytes32"
      }
    ],
    "name": "setLoanBreach",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const;
