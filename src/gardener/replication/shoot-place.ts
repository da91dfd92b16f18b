/** Name of the operator's Deployment. */
export const OPERATOR = 'larder-operator';

/** ManagedResource with the operator. It goes first when all is taken away, while the agents take nodes away from the caches. */
export const OPERATOR_COMPONENT = 'extension-registry-cache-operator';

/** ManagedResource with all that the operator needs to exist: namespace, CRDs, node agent, accounts. */
export const SHOOT_COMPONENT = 'extension-registry-cache-shoot';

/** Marks a Deployment of an operator as one that this extension has made. An owner's own has none, or another. */
export const DEPLOYED_BY = {
  'app.kubernetes.io/managed-by': 'gardener-extension-registry-cache',
} as const;
