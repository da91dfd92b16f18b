/**
 * What became of a token request at one upstream: the label of `larder_tokens_total`. `granted`: the upstream took the login.
 * `anonymous`: no login came. `refused`: it did not take it. `grace`: it could not be asked, an older proof counts. `failed`: it could
 * not be asked.
 */
export const TOKEN_OUTCOMES = ['granted', 'anonymous', 'refused', 'grace', 'failed'] as const;
export type TokenOutcome = (typeof TOKEN_OUTCOMES)[number];
