/** Names of the webhooks of `larder admission`, which `--disable-webhooks` takes, in the order of their registration. */
export const ADMISSION_WEBHOOKS = ['registry-cache-validator', 'registry-mirror-validator'] as const;

export type AdmissionWebhookName = (typeof ADMISSION_WEBHOOKS)[number];
