import { LarderError } from '../../kit/errors.ts';

/** Larder itself, not the upstream, demands a login. The 401 carries the challenge. */
export class LoginRequired extends LarderError {
  readonly challenges: readonly string[];

  constructor(message: string, challenge: string) {
    super('TOKEN_REQUIRED', message);
    this.challenges = [challenge];
  }
}
