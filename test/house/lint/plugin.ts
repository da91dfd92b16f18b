import { observedPromises } from './observed-promises.ts';

/** The rules of the house that no other linter has; see `.oxlintrc.json`. */
export default {
  meta: { name: 'house' },
  rules: { 'observed-promises': observedPromises },
};
