/** ManagedResource with the operator. It goes first when all is taken away, while the agents take nodes away from the caches. */
export const OPERATOR_COMPONENT = 'extension-registry-cache-operator';

/** ManagedResource with all that the operator needs to exist: namespace, CRDs, node agent, accounts. */
export const SHOOT_COMPONENT = 'extension-registry-cache-shoot';
