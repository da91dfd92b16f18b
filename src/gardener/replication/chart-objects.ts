// Rendered from deploy/charts/larder by `npm run generate:install`; a test keeps it in step.
import type { ChartObject } from './chart-object.ts';

/** Objects of the operator's chart, with a placeholder for the image. */
export const CHART_OBJECTS: readonly ChartObject[] = [
  {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {
      "name": "larder-operator",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "spec": {
      "podSelector": {
        "matchLabels": {
          "app.kubernetes.io/name": "larder",
          "app.kubernetes.io/component": "operator"
        }
      },
      "policyTypes": [
        "Ingress"
      ],
      "ingress": [
        {
          "ports": [
            {
              "port": "admin",
              "protocol": "TCP"
            }
          ]
        }
      ]
    }
  },
  {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {
      "name": "larder-critical-pods",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "spec": {
      "hard": {
        "pods": "1M"
      },
      "scopeSelector": {
        "matchExpressions": [
          {
            "scopeName": "PriorityClass",
            "operator": "In",
            "values": [
              "system-cluster-critical",
              "system-node-critical"
            ]
          }
        ]
      }
    }
  },
  {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {
      "name": "larder-cache",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "automountServiceAccountToken": false
  },
  {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {
      "name": "larder-node-agent",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "automountServiceAccountToken": false
  },
  {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {
      "name": "larder-operator",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "automountServiceAccountToken": false
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {
      "name": "larder-operator",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "rules": [
      {
        "apiGroups": [
          "registry.extensions.gardener.cloud"
        ],
        "resources": [
          "registryconfigs"
        ],
        "verbs": [
          "list",
          "watch",
          "patch"
        ]
      },
      {
        "apiGroups": [
          "mirror.extensions.gardener.cloud"
        ],
        "resources": [
          "mirrorconfigs"
        ],
        "verbs": [
          "list",
          "watch",
          "patch"
        ]
      },
      {
        "apiGroups": [
          "registry.extensions.gardener.cloud"
        ],
        "resources": [
          "registryconfigs/status"
        ],
        "verbs": [
          "patch"
        ]
      },
      {
        "apiGroups": [
          "mirror.extensions.gardener.cloud"
        ],
        "resources": [
          "mirrorconfigs/status"
        ],
        "verbs": [
          "patch"
        ]
      },
      {
        "apiGroups": [
          "events.k8s.io"
        ],
        "resources": [
          "events"
        ],
        "verbs": [
          "create",
          "patch"
        ]
      },
      {
        "apiGroups": [
          "apiextensions.k8s.io"
        ],
        "resources": [
          "customresourcedefinitions"
        ],
        "resourceNames": [
          "servicemonitors.monitoring.coreos.com"
        ],
        "verbs": [
          "list",
          "watch"
        ]
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {
      "name": "larder-operator-secrets",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "rules": [
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "secrets"
        ],
        "verbs": [
          "get",
          "list",
          "watch"
        ]
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {
      "name": "larder-operator",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "roleRef": {
      "apiGroup": "rbac.authorization.k8s.io",
      "kind": "ClusterRole",
      "name": "larder-operator"
    },
    "subjects": [
      {
        "kind": "ServiceAccount",
        "name": "larder-operator",
        "namespace": "larder-system"
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {
      "name": "larder-operator-secrets",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "roleRef": {
      "apiGroup": "rbac.authorization.k8s.io",
      "kind": "ClusterRole",
      "name": "larder-operator-secrets"
    },
    "subjects": [
      {
        "kind": "ServiceAccount",
        "name": "larder-operator",
        "namespace": "larder-system"
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {
      "name": "larder-node-agent",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "rules": [
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "configmaps"
        ],
        "resourceNames": [
          "larder-nodes"
        ],
        "verbs": [
          "get",
          "list",
          "watch"
        ]
      },
      {
        "apiGroups": [
          "coordination.k8s.io"
        ],
        "resources": [
          "leases"
        ],
        "verbs": [
          "get",
          "create",
          "patch"
        ]
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {
      "name": "larder-operator",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "rules": [
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "configmaps",
          "services"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "create",
          "patch",
          "delete"
        ]
      },
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "secrets"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "create",
          "patch",
          "update",
          "delete"
        ]
      },
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "persistentvolumeclaims"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "patch",
          "delete"
        ]
      },
      {
        "apiGroups": [
          "apps"
        ],
        "resources": [
          "statefulsets"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "create",
          "patch",
          "delete"
        ]
      },
      {
        "apiGroups": [
          "networking.k8s.io"
        ],
        "resources": [
          "networkpolicies"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "create",
          "patch",
          "delete"
        ]
      },
      {
        "apiGroups": [
          "policy"
        ],
        "resources": [
          "poddisruptionbudgets"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "create",
          "patch",
          "delete"
        ]
      },
      {
        "apiGroups": [
          "monitoring.coreos.com"
        ],
        "resources": [
          "servicemonitors"
        ],
        "verbs": [
          "get",
          "list",
          "create",
          "patch",
          "delete"
        ]
      },
      {
        "apiGroups": [
          "coordination.k8s.io"
        ],
        "resources": [
          "leases"
        ],
        "verbs": [
          "get",
          "list",
          "watch",
          "create",
          "update",
          "delete"
        ]
      },
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "pods"
        ],
        "verbs": [
          "list",
          "watch",
          "patch"
        ]
      },
      {
        "apiGroups": [
          "apps"
        ],
        "resources": [
          "daemonsets"
        ],
        "verbs": [
          "list",
          "watch"
        ]
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {
      "name": "larder-operator-trusted-ca",
      "namespace": "kube-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "rules": [
      {
        "apiGroups": [
          ""
        ],
        "resources": [
          "configmaps"
        ],
        "resourceNames": [
          "registry-ca-bundle"
        ],
        "verbs": [
          "list",
          "watch"
        ]
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {
      "name": "larder-node-agent",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "roleRef": {
      "apiGroup": "rbac.authorization.k8s.io",
      "kind": "Role",
      "name": "larder-node-agent"
    },
    "subjects": [
      {
        "kind": "ServiceAccount",
        "name": "larder-node-agent",
        "namespace": "larder-system"
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {
      "name": "larder-operator",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "roleRef": {
      "apiGroup": "rbac.authorization.k8s.io",
      "kind": "Role",
      "name": "larder-operator"
    },
    "subjects": [
      {
        "kind": "ServiceAccount",
        "name": "larder-operator",
        "namespace": "larder-system"
      }
    ]
  },
  {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {
      "name": "larder-operator-trusted-ca",
      "namespace": "kube-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "roleRef": {
      "apiGroup": "rbac.authorization.k8s.io",
      "kind": "Role",
      "name": "larder-operator-trusted-ca"
    },
    "subjects": [
      {
        "kind": "ServiceAccount",
        "name": "larder-operator",
        "namespace": "larder-system"
      }
    ]
  },
  {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {
      "name": "larder-node-agent",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder",
        "app.kubernetes.io/component": "node-agent"
      }
    },
    "spec": {
      "selector": {
        "matchLabels": {
          "app.kubernetes.io/name": "larder",
          "app.kubernetes.io/component": "node-agent"
        }
      },
      "updateStrategy": {
        "type": "RollingUpdate",
        "rollingUpdate": {
          "maxUnavailable": "10%"
        }
      },
      "template": {
        "metadata": {
          "labels": {
            "app.kubernetes.io/name": "larder",
            "app.kubernetes.io/instance": "larder",
            "app.kubernetes.io/version": "0.1.0",
            "app.kubernetes.io/part-of": "larder",
            "app.kubernetes.io/component": "node-agent"
          }
        },
        "spec": {
          "serviceAccountName": "larder-node-agent",
          "automountServiceAccountToken": true,
          "enableServiceLinks": false,
          "hostNetwork": true,
          "dnsPolicy": "Default",
          "priorityClassName": "system-node-critical",
          "nodeSelector": {
            "kubernetes.io/os": "linux"
          },
          "tolerations": [
            {
              "operator": "Exists"
            }
          ],
          "terminationGracePeriodSeconds": 35,
          "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "seccompProfile": {
              "type": "RuntimeDefault"
            }
          },
          "containers": [
            {
              "name": "node-agent",
              "image": "registry.example.com/larder:0.1.0",
              "imagePullPolicy": "IfNotPresent",
              "command": [
                "/usr/bin/node",
                "--max-semi-space-size=1",
                "--lite-mode",
                "/usr/bin/larder"
              ],
              "args": [
                "node-agent",
                "--address=127.0.0.1:5010",
                "--certs-dir=/etc/containerd/certs.d",
                "--containerd-config=/etc/containerd/config.toml",
                "--state=/var/lib/larder-node-agent",
                "--log-level=info",
                "--log-format=json"
              ],
              "env": [
                {
                  "name": "LARDER_NAMESPACE",
                  "valueFrom": {
                    "fieldRef": {
                      "fieldPath": "metadata.namespace"
                    }
                  }
                },
                {
                  "name": "LARDER_NODE_NAME",
                  "valueFrom": {
                    "fieldRef": {
                      "fieldPath": "spec.nodeName"
                    }
                  }
                },
                {
                  "name": "LARDER_POD_NAME",
                  "valueFrom": {
                    "fieldRef": {
                      "fieldPath": "metadata.name"
                    }
                  }
                },
                {
                  "name": "LARDER_POD_UID",
                  "valueFrom": {
                    "fieldRef": {
                      "fieldPath": "metadata.uid"
                    }
                  }
                }
              ],
              "ports": [
                {
                  "name": "relay",
                  "containerPort": 5010,
                  "hostPort": 5010,
                  "hostIP": "127.0.0.1",
                  "protocol": "TCP"
                }
              ],
              "livenessProbe": {
                "httpGet": {
                  "scheme": "HTTPS",
                  "host": "127.0.0.1",
                  "path": "/healthz",
                  "port": 5010
                },
                "periodSeconds": 5,
                "timeoutSeconds": 3,
                "failureThreshold": 3
              },
              "readinessProbe": {
                "httpGet": {
                  "scheme": "HTTPS",
                  "host": "127.0.0.1",
                  "path": "/healthz",
                  "port": 5010
                },
                "periodSeconds": 5
              },
              "resources": {
                "limits": {
                  "memory": "160Mi"
                },
                "requests": {
                  "cpu": "10m",
                  "memory": "80Mi"
                }
              },
              "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {
                  "drop": [
                    "ALL"
                  ]
                }
              },
              "volumeMounts": [
                {
                  "name": "containerd",
                  "mountPath": "/etc/containerd",
                  "readOnly": true
                },
                {
                  "name": "certs",
                  "mountPath": "/etc/containerd/certs.d"
                },
                {
                  "name": "state",
                  "mountPath": "/var/lib/larder-node-agent"
                }
              ]
            }
          ],
          "volumes": [
            {
              "name": "containerd",
              "hostPath": {
                "path": "/etc/containerd",
                "type": "DirectoryOrCreate"
              }
            },
            {
              "name": "certs",
              "hostPath": {
                "path": "/etc/containerd/certs.d",
                "type": "DirectoryOrCreate"
              }
            },
            {
              "name": "state",
              "hostPath": {
                "path": "/var/lib/larder-node-agent",
                "type": "DirectoryOrCreate"
              }
            }
          ]
        }
      }
    }
  },
  {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
      "name": "larder-operator",
      "namespace": "larder-system",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder",
        "app.kubernetes.io/component": "operator"
      }
    },
    "spec": {
      "replicas": 1,
      "selector": {
        "matchLabels": {
          "app.kubernetes.io/name": "larder",
          "app.kubernetes.io/component": "operator"
        }
      },
      "template": {
        "metadata": {
          "labels": {
            "app.kubernetes.io/name": "larder",
            "app.kubernetes.io/instance": "larder",
            "app.kubernetes.io/version": "0.1.0",
            "app.kubernetes.io/part-of": "larder",
            "app.kubernetes.io/component": "operator"
          }
        },
        "spec": {
          "serviceAccountName": "larder-operator",
          "automountServiceAccountToken": true,
          "enableServiceLinks": false,
          "priorityClassName": "system-cluster-critical",
          "nodeSelector": {
            "kubernetes.io/os": "linux"
          },
          "terminationGracePeriodSeconds": 35,
          "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {
              "type": "RuntimeDefault"
            }
          },
          "containers": [
            {
              "name": "operator",
              "image": "registry.example.com/larder:0.1.0",
              "imagePullPolicy": "IfNotPresent",
              "args": [
                "operator",
                "--image=registry.example.com/larder:0.1.0",
                "--node-agent=larder-node-agent",
                "--relay-port=5010",
                "--claim-retention=Delete",
                "--cache-service-account=larder-cache",
                "--priority-class=system-cluster-critical",
                "--trusted-ca=kube-system/registry-ca-bundle",
                "--log-level=info",
                "--log-format=json",
                "--admin-address=[::]:5001"
              ],
              "env": [
                {
                  "name": "LARDER_NAMESPACE",
                  "valueFrom": {
                    "fieldRef": {
                      "fieldPath": "metadata.namespace"
                    }
                  }
                },
                {
                  "name": "LARDER_IDENTITY",
                  "valueFrom": {
                    "fieldRef": {
                      "fieldPath": "metadata.name"
                    }
                  }
                }
              ],
              "ports": [
                {
                  "name": "admin",
                  "containerPort": 5001,
                  "protocol": "TCP"
                }
              ],
              "livenessProbe": {
                "httpGet": {
                  "path": "/healthz",
                  "port": "admin"
                },
                "periodSeconds": 10,
                "timeoutSeconds": 5,
                "failureThreshold": 6
              },
              "readinessProbe": {
                "httpGet": {
                  "path": "/readyz",
                  "port": "admin"
                },
                "periodSeconds": 5
              },
              "resources": {
                "limits": {
                  "memory": "256Mi"
                },
                "requests": {
                  "cpu": "20m",
                  "memory": "96Mi"
                }
              },
              "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {
                  "drop": [
                    "ALL"
                  ]
                }
              }
            }
          ]
        }
      }
    }
  },
  {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {
      "name": "larder-node-agent",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "spec": {
      "failurePolicy": "Fail",
      "matchConstraints": {
        "namespaceSelector": {
          "matchLabels": {
            "kubernetes.io/metadata.name": "larder-system"
          }
        },
        "resourceRules": [
          {
            "apiGroups": [
              "coordination.k8s.io"
            ],
            "apiVersions": [
              "*"
            ],
            "operations": [
              "CREATE",
              "UPDATE"
            ],
            "resources": [
              "leases"
            ]
          }
        ]
      },
      "matchConditions": [
        {
          "name": "from-a-node-agent",
          "expression": "request.userInfo.username == 'system:serviceaccount:larder-system:larder-node-agent'"
        }
      ],
      "variables": [
        {
          "name": "node",
          "expression": "request.userInfo.extra[?'authentication.kubernetes.io/node-name'][?0].orValue('')"
        }
      ],
      "validations": [
        {
          "expression": "object.metadata.name == 'larder-node-' + variables.node",
          "messageExpression": "'a node agent may write the Lease larder-node-<its node>, and its token is of the node \"' + variables.node + '\"'",
          "reason": "Forbidden"
        },
        {
          "expression": "object.spec.?holderIdentity.orValue('') == variables.node",
          "messageExpression": "'spec.holderIdentity of this Lease has to be its node, ' + variables.node",
          "reason": "Forbidden"
        }
      ]
    }
  },
  {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {
      "name": "larder-node-agent",
      "labels": {
        "app.kubernetes.io/name": "larder",
        "app.kubernetes.io/instance": "larder",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/part-of": "larder"
      }
    },
    "spec": {
      "policyName": "larder-node-agent",
      "validationActions": [
        "Deny"
      ]
    }
  }
];
