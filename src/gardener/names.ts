/** Names of the webhooks of `larder admission`, which `--disable-webhooks` takes, in the order of their registration. */
export const ADMISSION_WEBHOOKS = ['registry-cache-validator', 'registry-mirror-validator'] as const;

export type AdmissionWebhookName = (typeof ADMISSION_WEBHOOKS)[number];

/** Types of `Extension` objects that this extension is responsible for. gardenlet names the objects like their type. */
export const EXTENSION_TYPES = ['registry-cache', 'registry-mirror'] as const;

export type ExtensionType = (typeof EXTENSION_TYPES)[number];

/** Names of the controllers, which `--controllers` and `--disable-controllers` take. */
export const CACHE_CONTROLLER = 'registry-cache-controller';
export const MIRROR_CONTROLLER = 'registry-mirror-controller';
export const HEARTBEAT_CONTROLLER = 'heartbeat';
export const CONTROLLERS = [CACHE_CONTROLLER, MIRROR_CONTROLLER, HEARTBEAT_CONTROLLER] as const;

export type ControllerName = (typeof CONTROLLERS)[number];

/** Names of the webhooks of `larder extension`, which `--disable-webhooks` takes: the types that they are for. */
export const EXTENSION_WEBHOOKS = EXTENSION_TYPES;

/** Name of this extension in a landscape. */
export const EXTENSION_NAME = 'extension-registry-cache';

/** The Lease by which gardenlet sees that an extension is alive (gardener v1.147.1, `pkg/extensions`). */
export const HEARTBEAT_LEASE = 'gardener-extension-heartbeat';

/** The finalizer that keeps an Extension of this type until its effects are undone. */
export function finalizerNameOf(type: ExtensionType): string {
  return `extensions.gardener.cloud/${type}`;
}
