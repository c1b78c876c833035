// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Shapes of USD.AI's LoanRouterV2, from its published ABI: names, order and types are what hashes and selectors rest on.

enum DepositType {
    DepositTimelock,
    EscrowTimelock
}

enum FeeKind {
    Origination,
    Repayment,
    Exit,
    Liquidation,
    Refinance
}

enum LoanStatus {
    Uninitialized,
    Active,
    Repaid,
    Breached,
    Liquidated,
    CollateralLiquidated
}

struct LenderDepositInfo {
    DepositType depositType;
    bytes data;
}

/// @param rate Per second, scaled by 1e18.
struct TrancheSpec {
    address lender;
    uint256 amount;
    uint256 rate;
}

struct FeeSpec {
    FeeKind kind;
    address recipient;
    address model;
    bytes options;
}

struct InterestRateSpec {
    address model;
    bytes options;
}

struct RepaymentSpec {
    uint16 totalDurationDays;
    uint8 day;
    int32 timezoneOffsetSeconds;
}

struct LoanTermsV2 {
    uint64 expiration;
    address borrower;
    address currencyToken;
    address collateralToken;
    RepaymentSpec repaymentSpec;
    InterestRateSpec interestRateSpec;
    uint256[] collateralTokenIds;
    TrancheSpec[] trancheSpecs;
    FeeSpec[] feeSpecs;
    address[] approvalAddresses;
    bytes options;
}

/// @param balance Scaled to 18 decimals.
struct LoanState {
    LoanStatus status;
    uint16 repaymentCount;
    uint64 originationTimestamp;
    uint256 balance;
}
