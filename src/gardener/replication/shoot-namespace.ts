/** Namespace of all that Larder has in a shoot whose owner configures it from inside (decision 0023). */
export const SHOOT_NAMESPACE = 'larder-system';
