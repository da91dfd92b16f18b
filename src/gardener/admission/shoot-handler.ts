import type { FieldPath, Problem } from '../../kit/document/field-problem.ts';
import { repeatedFields } from '../../kit/document/repeated-fields.ts';
import type { AdmissionHandler, AdmissionRequest } from '../../kube/webhook/admission.ts';
import { Denial } from '../webhook/denial.ts';
import { aggregateText, MOST_FIELDS } from './go-text.ts';
import { readShoot, type Shoot } from './shoot.ts';

/** A Shoot of a request. */
export interface RequestedShoot extends Shoot {
  /** Finds the fields that occur twice in the value at a path of the Shoot. */
  readonly repeatedFields: (path: FieldPath) => FieldPath[];
}

/** Judges a Shoot and, if there is one, what it was before. Throws a {@link Denial} for a problem that hides all others. */
export type ShootValidator = (
  shoot: RequestedShoot,
  old: RequestedShoot | undefined,
  signal: AbortSignal,
) => readonly Problem[] | Promise<readonly Problem[]>;

/**
 * Makes the handler of a validator, with the statuses and texts of the Gardener extension. The presence of the old object counts, not the
 * operation.
 */
export function shootHandler(validate: ShootValidator): AdmissionHandler {
  return async (request, signal) => {
    try {
      const { shoot, old } = readRequest(request);
      const problems = await validate(shoot, old, signal);
      if (problems.length === 0) return { allowed: true };
      return { allowed: false, code: 403, message: aggregateText(problems) };
    } catch (error) {
      if (!(error instanceof Denial)) throw error;
      return { allowed: false, code: error.code, message: error.message };
    }
  };
}

function readRequest(request: AdmissionRequest) {
  const { kind, namespace, name, object, oldObject, text } = request;
  if (kind.group !== 'core.gardener.cloud' || kind.kind !== 'Shoot') {
    throw new Denial(`unexpected request kind ${kind.group}/${kind.version}, Kind=${kind.kind}`, 400);
  }
  const read = (shoot: unknown, field: string, what: string): RequestedShoot => ({
    // The extension prints the whole request in braces.
    ...readShoot(shoot, `could not decode ${what} {Shoot ${namespace}/${name}}`),
    repeatedFields: (path) => repeatedFields(text, ['request', field, ...path], MOST_FIELDS),
  });
  return {
    shoot: read(object, 'object', 'request'),
    old: isUnset(oldObject) ? undefined : read(oldObject, 'oldObject', 'old object'),
  };
}

function isUnset(object: unknown): boolean {
  return object === undefined || object === null;
}
