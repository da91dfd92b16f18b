import { observedPromises } from './observed-promises.ts';

/** Own rules of this project, which `.oxlintrc.json` turns on. */
export default {
  meta: { name: 'house' },
  rules: { 'observed-promises': observedPromises },
};
