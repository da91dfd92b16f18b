import { z } from 'zod';
import { labelsSchema } from '../../src/kube/objects/labels.ts';

/**
 * What whoever installs the chart can set: the one definition of its `values.yaml`, `values.schema.json` and of the table in its README.
 * Every value has a default and a description. Fields of Kubernetes' own types are left to the API server.
 */
export const valuesSchema = z.strictObject({
  image: z
    .strictObject({
      repository: text('Where the image of Larder is, without tag: `registry.example.com/larder`. Needed.'),
      tag: text('Tag of the image. The default is the version of the chart.'),
      digest: z
        .string()
        .regex(/^(sha256:[0-9a-f]{64})?$/)
        .default('')
        .meta({ description: 'Digest of the image, `sha256:...`. It is used in place of the tag.' }),
      pullPolicy: z
        .enum(['IfNotPresent', 'Always', 'Never'])
        .default('IfNotPresent')
        .meta({ description: 'When nodes fetch the image of operator and node agent.' }),
      pullSecrets: z
        .array(z.string().min(1))
        .default([])
        .meta({ description: 'Names of Secrets with which the image is pulled, also for the caches.' }),
    })
    .prefault({}),
  crds: z
    .strictObject({
      install: yes('Whether the CRDs belong to this release. They are then updated with it.'),
      keep: yes('Whether the CRDs, and with them all objects of their kinds, stay after an uninstall.'),
    })
    .prefault({}),
  priorityClassName: text(
    'PriorityClass of the operator and of the caches that it makes, such as `system-cluster-critical`. Empty is the default of the cluster.',
  ),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Least important lines in the logs of operator and node agent.' }),
  claimRetention: z.enum(['Delete', 'Retain']).default('Delete').meta({
    description:
      'What becomes of the volume of a cache that is no longer asked for: `Delete`, or `Retain` it.',
  }),
  operator: z
    .strictObject({
      replicas: z.int().min(1).max(5).default(1).meta({
        description: 'Operators, of which one leads. With more than one there is a PodDisruptionBudget.',
      }),
      resources: resources({ cpu: '20m', memory: '96Mi' }, '256Mi'),
      serviceMonitor: z
        .strictObject({
          enabled: no(
            'Whether the Prometheus operator is told to scrape the operator. Its API has to be there.',
          ),
          labels: labelsSchema.default({}).meta({
            description: 'Labels by which your Prometheus finds its ServiceMonitors.',
          }),
        })
        .prefault({}),
      networkPolicy: z
        .strictObject({
          enabled: yes("Whether a NetworkPolicy closes all ports of the operator but its admin listener's."),
        })
        .prefault({}),
      podAnnotations: labels('Annotations of the Pods of the operator.'),
      ...scheduling([]),
    })
    .prefault({}),
  cache: z
    .strictObject({
      serviceAccount: z
        .strictObject({
          annotations: labels(
            'Annotations of the ServiceAccount `larder-cache`, by which clouds know the caches. A change replaces their Pods.',
          ),
        })
        .prefault({}),
      podLabels: labelsSchema.default({}).meta({ description: 'Further labels of the Pods of the caches.' }),
      serviceMonitor: z
        .strictObject({
          labels: labelsSchema.default({}).meta({
            description:
              'Labels by which your Prometheus finds the ServiceMonitors of the caches, which come where its API is there.',
          }),
        })
        .prefault({}),
    })
    .prefault({}),
  nodeAgent: z
    .strictObject({
      port: z.int().min(1024).max(32_767).default(5010).meta({
        description:
          "Port of 127.0.0.1 of each node at which containerd finds the agent. Below the kernel's ephemeral ports.",
      }),
      certsDir: path("containerd's directory of `hosts.toml` files on the nodes.", '/etc/containerd/certs.d'),
      containerdConfig: path(
        'Configuration of containerd on the nodes. Its directory is mounted, read-only.',
        '/etc/containerd/config.toml',
      ),
      stateDir: path(
        'Directory of the nodes in which an agent keeps what it has to know after a restart.',
        '/var/lib/larder-node-agent',
      ),
      priorityClassName: z.string().default('system-node-critical').meta({
        description:
          'PriorityClass of the node agent. With the default a Pod that has taken the port has to leave. Empty is the default of the cluster.',
      }),
      maxUnavailable: z
        .union([z.int().min(1).max(10_000), z.string().regex(/^([1-9][0-9]?|100)%$/)])
        .default('10%')
        .meta({
          description: 'Nodes whose agent is replaced at a time in an update, as a number or in per cent.',
        }),
      seLinuxOptions: open(
        'SELinux options of the agent. `type: spc_t` lets it write below /etc on nodes that enforce SELinux.',
      ),
      resources: resources({ cpu: '10m', memory: '80Mi' }, '160Mi'),
      podAnnotations: labels('Annotations of the Pods of the node agent.'),
      ...scheduling([{ operator: 'Exists' }]),
    })
    .prefault({}),
  global: open('Not used. Helm adds it where this chart is a part of another one.'),
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

/** No limit of CPU: it would slow all pulls of a node, or the recovery of all caches, to save what nobody else uses. */
function resources(requests: { readonly cpu: string; readonly memory: string }, memory: string) {
  const amounts = z.record(z.string(), z.union([z.string(), z.number()])).optional();
  return z
    .strictObject({ requests: amounts, limits: amounts })
    .default({ requests, limits: { memory } })
    .meta({ description: 'What a Pod is given, and what it may take.' });
}

function scheduling(tolerations: { readonly operator: string }[]) {
  return {
    nodeSelector: z
      .record(z.string(), z.string())
      .default({ 'kubernetes.io/os': 'linux' })
      .meta({ description: 'Labels of the nodes that it runs on.' }),
    tolerations: z
      .array(z.looseObject({}))
      .default(tolerations)
      .meta({ description: 'Taints of nodes that it tolerates.' }),
    affinity: open('Rules of affinity of its Pods.'),
  };
}
