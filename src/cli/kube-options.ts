import type { Option } from 'commander';
import { option } from './options.ts';

/** What {@link kubeconfigOption}, {@link contextOption} and {@link namespaceOption} give. */
export interface KubeOptions {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

export function kubeconfigOption(): Option {
  return option('--kubeconfig <file>', "how to reach the API server (default: the Pod's service account)");
}

export function contextOption(): Option {
  return option('--context <name>', 'context of the kubeconfig (default: the current one)');
}

export function namespaceOption(): Option {
  return option('--namespace <name>', "Larder's own namespace (default: that of the Pod, or of the context)");
}
