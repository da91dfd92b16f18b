/** The accounts of an upstream. */
import { noteLogin } from '../secrets.ts';

/** Names and passwords. A password is noted as a secret as soon as it is set. */
export class Users extends Map<string, string> {
  override set(user: string, password: string): this {
    noteLogin(user, password);
    return super.set(user, password);
  }
}
