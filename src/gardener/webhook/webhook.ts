import type { AdmissionHandler } from '../../kube/webhook/admission.ts';

/** Selector of objects or namespaces by their labels (Kubernetes API, `meta/v1.LabelSelector`). */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** Objects whose creation and change a webhook is called for. */
export interface WebhookRule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
}

/** One webhook of a program: its registration and its handler. */
export interface Webhook {
  /** First part of the registered name. Also the name that `--disable-webhooks` takes. */
  readonly name: string;
  readonly action: 'mutating' | 'validating';
  /** Begins with a slash. */
  readonly path: string;
  readonly rule: WebhookRule;
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly handler: AdmissionHandler;
}
