import { parseAbi } from "viem";

/** Events of CollateralTimelock v1.0 that move collateral. */
export const timelockEvents = parseAbi([
  "event Deposited(address indexed depositor, address indexed target, bytes32 indexed context, address token, uint256[] tokenIds, uint64 expiration)",
  "event Canceled(address indexed depositor, address indexed target, bytes32 indexed context, address token, uint256[] tokenIds)",
  "event Withdrawn(address indexed depositor, address indexed withdrawer, bytes32 indexed context, address token, uint256[] tokenIds)",
]);

/** Events of LoanRouterV2 v1.2 that change a loan. */
export const routerEvents = parseAbi([
  "event LoanOriginated(bytes32 indexed loanTermsHash, bytes loanTerms)",
  "event LoanRepaid(bytes32 indexed loanTermsHash, address indexed borrower, uint256 principal, uint256 interest, uint256 prepayment, uint256 fee, bool isRepaid)",
  "event LoanRefinanced(bytes32 indexed oldLoanTermsHash, bytes32 indexed newLoanTermsHash, bytes newLoanTerms, uint256 cashOut, uint256 cashIn, uint256 refinanceFee)",
  "event LoanBreached(bytes32 indexed loanTermsHash)",
  "event LoanLiquidated(bytes32 indexed loanTermsHash)",
  "event LiquidationProceedsDeposited(bytes32 indexed loanTermsHash, uint256 proceeds, uint256 fee, uint256 surplus)",
]);

/** What v1.0 and v1.1 logged instead; their other events are v1.2's. */
export const oldRouterEvents = parseAbi([
  "event LoanOriginated(bytes32 indexed loanTermsHash, address indexed borrower, address indexed currencyToken, uint256 principal, uint256 originationFee)",
  "event LoanRefinanced(bytes32 indexed oldLoanTermsHash, bytes32 indexed newLoanTermsHash, bytes newLoanTerms)",
]);

/**
 * Known and of no concern to a loan's state. `Upgraded(address)` is left out on purpose: behind it may be a router
 * whose events this version cannot read, and that is to be told like any unknown event.
 */
export const ignoredEvents = parseAbi([
  "event LenderPositionMinted(bytes32 indexed loanTermsHash, address indexed lender, uint8 indexed trancheIndex, uint256 tokenId)",
  "event LenderRepaid(bytes32 indexed loanTermsHash, address indexed lender, uint8 indexed trancheIndex, uint256 principal, uint256 interest, uint256 prepay)",
  "event LenderLiquidationRepaid(bytes32 indexed loanTermsHash, address indexed lender, uint8 indexed trancheIndex, uint256 principal, uint256 interest)",
  "event FeePaid(bytes32 indexed loanTermsHash, uint8 indexed kind, address indexed recipient, address feeModel, uint256 amount)",
  "event TransferFailed(address indexed token, address indexed recipient, address indexed intendedRecipient, uint256 amount)",
  "event HookFailed(string reason)",
  "event ERC20Rescued(address indexed token, address indexed to, uint256 amount)",
  "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
  "event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)",
  "event ApprovalForAll(address indexed owner, address indexed operator, bool approved)",
  "event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)",
  "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
  "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
  "event Paused(address account)",
  "event Unpaused(address account)",
  "event Initialized(uint64 version)",
  "event EIP712DomainChanged()",
  "event AdminChanged(address previousAdmin, address newAdmin)",
]);
