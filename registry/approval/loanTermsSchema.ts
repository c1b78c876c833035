const address = { type: "string", pattern: "^0x[0-9a-fA-F]{40}$" } as const;
/** Even digits; what a loan's models and hooks are told is short. */
const bytes = { type: "string", pattern: "^0x(?:[0-9a-fA-F]{2})*$", maxLength: 65_538 } as const;
/** Money, times and token ids are decimal text: JSON's numbers lose their last digits. */
const decimal = { type: "string", pattern: "^(?:0|[1-9][0-9]{0,77})$" } as const;

function strict(properties: Record<string, object>) {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  } as const;
}

/** The most tokens of one loan that an approval looks at: each costs reads of the chain. */
export const tokensAtMost = 512;

/** JSON Schema of loan terms as the API gives them (`terms` of a loan). */
export const loanTermsSchema = strict({
  expiration_s: decimal,
  borrower: address,
  currency_token: address,
  collateral_token: address,
  repayment: strict({
    total_duration_days: { type: "integer", minimum: 0, maximum: 65_535 },
    day: { type: "integer", minimum: 0, maximum: 255 },
    timezone_offset_s: { type: "integer", minimum: -2_147_483_648, maximum: 2_147_483_647 },
  }),
  interest: strict({ model: address, options: bytes }),
  collateral_token_ids: { type: "array", items: decimal, minItems: 1, maxItems: tokensAtMost },
  tranches: {
    type: "array",
    items: strict({ lender: address, amount: decimal, rate: decimal }),
    maxItems: 32,
  },
  fees: {
    type: "array",
    items: strict({
      kind: { enum: ["origination", "repayment", "exit", "liquidation", "refinance"] },
      recipient: address,
      model: address,
      options: bytes,
    }),
    maxItems: 64,
  },
  approval_addresses: { type: "array", items: address, maxItems: 32 },
  options: bytes,
});
