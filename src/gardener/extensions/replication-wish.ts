/**
 * Type of the condition that says how the `RegistryConfig` objects in a shoot fare. Gardener does not know it, so it does not count for the Shoot: a wrong
 * password of a shoot's owner is no fault of the shoot.
 */
export const REPORT_CONDITION = 'RegistryConfigs';

/**
 * True if the `providerConfig` of caches wants `RegistryConfig` objects in the shoot to configure caches. Other fields are not looked at, whatever they
 * have.
 */
export function wantsReplication(providerConfig: unknown): boolean {
  const { registryConfigReplication } = (providerConfig ?? {}) as {
    readonly registryConfigReplication?: unknown;
  };
  const { enabled } = (registryConfigReplication ?? {}) as { readonly enabled?: unknown };
  return enabled === true;
}
