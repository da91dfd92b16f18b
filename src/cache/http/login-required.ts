import { LarderError } from '../../kit/errors.ts';

/** Larder itself wants a login: the challenge goes along with the 401. */
export class LoginRequired extends LarderError {
  readonly challenges: readonly string[];

  constructor(message: string, challenge: string) {
    super('TOKEN_REQUIRED', message);
    this.challenges = [challenge];
  }
}
