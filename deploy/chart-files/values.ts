import { z } from 'zod';
import { labelsSchema } from '../../src/kube/objects/labels.ts';

/**
 * Values of the chart: the one definition of its `values.yaml`, `values.schema.json` and the table in its README. Every value has a
 * default and a description. Fields of Kubernetes' own types are validated by the API server only.
 */
export const valuesSchema = z.strictObject({
  image: z
    .strictObject({
      repository: text(
        "Name of Larder's image without a tag, such as `registry.example.com/larder`. Required.",
      ),
      tag: text('Tag of the image. Empty: the version of the chart.'),
      digest: z
        .string()
        .regex(/^(sha256:[0-9a-f]{64})?$/)
        .default('')
        .meta({ description: 'Digest of the image, `sha256:...`. Used instead of the tag.' }),
      pullPolicy: z
        .enum(['IfNotPresent', 'Always', 'Never'])
        .default('IfNotPresent')
        .meta({ description: 'Pull policy of the image in Pods of the operator and the node agent.' }),
      pullSecrets: z
        .array(z.string().min(1))
        .default([])
        .meta({ description: 'Names of the Secrets for pulling the image, also in Pods of caches.' }),
    })
    .prefault({}),
  crds: z
    .strictObject({
      install: yes('Makes the CRDs a part of this release, which then updates them.'),
      keep: yes('Keeps the CRDs, and with them all objects of their kinds, after an uninstall.'),
    })
    .prefault({}),
  priorityClassName: text(
    'PriorityClass of the operator and of the caches that it creates, such as `system-cluster-critical`. Empty: the default of the cluster.',
  ),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Lowest level of the lines that the operator and the node agent log.' }),
  objectLabels: labelsSchema.default({}).meta({
    description:
      'Additional labels of everything that the operator creates. A label taken out of this value leaves existing objects and volumes, too.',
  }),
  trustedCa: z
    .string()
    .regex(/^([a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9.-]*)?$/)
    .default('')
    .meta({
      description:
        'ConfigMap with CA certificates that all caches trust for their upstreams, `namespace/name`: PEM, or PEM in base64, in its `bundle.crt`. It may be missing. Empty: none.',
    }),
  claimRetention: z.enum(['Delete', 'Retain']).default('Delete').meta({
    description: 'What happens to a volume when its cache is removed: `Delete` or `Retain`.',
  }),
  operator: z
    .strictObject({
      replicas: z.int().min(1).max(5).default(1).meta({
        description: 'Number of operators, of which one leads. More than one get a PodDisruptionBudget.',
      }),
      resources: resources({ cpu: '20m', memory: '96Mi' }, '256Mi'),
      serviceMonitor: z
        .strictObject({
          enabled: no(
            "Creates a ServiceMonitor, so that Prometheus scrapes Larder's operator. The cluster must know that kind.",
          ),
          labels: labelsSchema.default({}).meta({
            description: 'Labels by which your Prometheus selects its ServiceMonitors.',
          }),
        })
        .prefault({}),
      networkPolicy: z
        .strictObject({
          enabled: yes(
            'Creates a NetworkPolicy that closes all ports of the operator except that of its admin listener.',
          ),
        })
        .prefault({}),
      podAnnotations: labels("Annotations of the operator's Pods."),
      ...scheduling([]),
    })
    .prefault({}),
  cache: z
    .strictObject({
      serviceAccount: z
        .strictObject({
          annotations: labels(
            'Annotations of the ServiceAccount `larder-cache`, by which clouds recognise the caches. A change replaces their Pods.',
          ),
        })
        .prefault({}),
      podLabels: labelsSchema.default({}).meta({ description: "Additional labels of the caches' Pods." }),
      nodeSelector: labels('Labels of the nodes that run its Pods.'),
      tolerations: z
        .array(z.looseObject({}))
        .default([])
        .meta({ description: 'Taints of nodes that its Pods tolerate.' }),
      serviceMonitor: z
        .strictObject({
          labels: labelsSchema.default({}).meta({
            description:
              "Labels by which your Prometheus selects the caches' ServiceMonitors. The operator creates those if the cluster knows that kind.",
          }),
        })
        .prefault({}),
    })
    .prefault({}),
  nodeAgent: z
    .strictObject({
      port: z.int().min(1024).max(32_767).default(5010).meta({
        description:
          "Port on 127.0.0.1 of each node at which containerd reaches the agent. Below the kernel's ephemeral ports.",
      }),
      certsDir: path(
        "Directory on the nodes with containerd's `hosts.toml` files.",
        '/etc/containerd/certs.d',
      ),
      containerdConfig: path(
        'Configuration file of containerd on the nodes. Its directory is mounted read-only.',
        '/etc/containerd/config.toml',
      ),
      stateDir: path(
        'Directory on the nodes in which an agent keeps its state across restarts.',
        '/var/lib/larder-node-agent',
      ),
      priorityClassName: z.string().default('system-node-critical').meta({
        description:
          'PriorityClass of the node agent. With the default, a Pod of a lower class that has taken the port is evicted. Empty: the default of the cluster.',
      }),
      maxUnavailable: z
        .union([z.int().min(1).max(10_000), z.string().regex(/^([1-9][0-9]?|100)%$/)])
        .default('10%')
        .meta({
          description: 'Nodes whose agent an update replaces at the same time: a number or a percentage.',
        }),
      seLinuxOptions: open(
        'SELinux options of the agent. `type: spc_t` lets the agent write below /etc on nodes that enforce SELinux.',
      ),
      resources: resources({ cpu: '10m', memory: '80Mi' }, '160Mi'),
      podAnnotations: labels("Annotations of the node agent's Pods."),
      ...scheduling([{ operator: 'Exists' }]),
    })
    .prefault({}),
  global: open('Not used. Helm adds this value if the chart is a part of another chart.'),
});

function text(description: string) {
  return z.string().default('').meta({ description });
}

function path(description: string, standard: string) {
  return z.string().regex(/^\/./).default(standard).meta({ description });
}

function yes(description: string) {
  return z.boolean().default(true).meta({ description });
}

function no(description: string) {
  return z.boolean().default(false).meta({ description });
}

function labels(description: string) {
  return z.record(z.string(), z.string()).default({}).meta({ description });
}

function open(description: string) {
  return z.looseObject({}).default({}).meta({ description });
}

/** Resources without a CPU limit, which would slow all pulls of a node, or the recovery of all caches, to save idle CPU time. */
function resources(requests: { readonly cpu: string; readonly memory: string }, memory: string) {
  const amounts = z.record(z.string(), z.union([z.string(), z.number()])).optional();
  return z
    .strictObject({ requests: amounts, limits: amounts })
    .default({ requests, limits: { memory } })
    .meta({ description: 'Resource requests and limits of its Pods.' });
}

function scheduling(tolerations: { readonly operator: string }[]) {
  return {
    nodeSelector: z
      .record(z.string(), z.string())
      .default({ 'kubernetes.io/os': 'linux' })
      .meta({ description: 'Labels of the nodes that run its Pods.' }),
    tolerations: z
      .array(z.looseObject({}))
      .default(tolerations)
      .meta({ description: 'Taints of nodes that its Pods tolerate.' }),
    affinity: open('Affinity rules of its Pods.'),
  };
}
