import { join } from 'node:path';
import type { Subject } from '../kit/certificate.ts';
import type { Place } from '../kit/place.ts';
import { tempDir } from '../kit/temp.ts';
import { waitFor } from '../kit/wait.ts';
import { startDaemon, type Daemon } from '../parts/daemon.ts';
import { needPart } from '../parts/find.ts';
import { freePorts } from '../parts/free-port.ts';
import type { PartName } from '../parts/parts.ts';
import { createApiCredentials, type RotationPhase } from './api-credentials.ts';
import { kubeconfigOf, type ApiAccess } from './kubeconfig.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';

export interface ApiServerOptions {
  /** Starts a controller manager, which makes Pods of StatefulSets, deletes objects without their owner, and so on. */
  readonly controllerManager?: boolean;
  /** Starts a scheduler, which assigns Pods to nodes. */
  readonly scheduler?: boolean;
  /** Place of all programs. Default: beside the test, on loopback. */
  readonly place?: Place;
  /** Address at which nodes and pods of the place reach the API server. Without one, it listens on loopback only. */
  readonly address?: string;
  /** More flags of the API server. */
  readonly flags?: Flags;
}

/** Empty Kubernetes API server. Disposing stops it and removes its data. */
export interface ApiServer extends AsyncDisposable {
  /** Path of an administrator's kubeconfig. {@link ApiServer.access} has the same fields. */
  readonly kubeconfig: string;
  readonly access: ApiAccess;
  /** Creates access for another user, whose rights RBAC decides. A rotation may end it. */
  accessFor(subject: Subject): ApiAccess;
  /** kubectl with the administrator's rights. */
  readonly kubectl: Kubectl;
  /** Path of the certificates of all authorities, PEM. */
  readonly authority: string;
  /** `http://127.0.0.1:PORT` of etcd, which requires no login. */
  readonly etcd: string;
  output(): string;
  /**
   * Kills the API server. Its data stays in etcd. Controller manager and scheduler end too, as in every cluster without an API server for
   * more than 10 s: they cannot renew their Lease then (`renewDeadline` of client-go's leader election).
   */
  kill(): Promise<void>;
  /** Restarts all programs, the API server at the same address, and waits until it is ready. `phase` is that of a rotation of credentials; default: as before. */
  restart(phase?: RotationPhase): Promise<void>;
}

/** Range of the addresses of Services. The first address is the API server's own. */
const SERVICES = '10.96.0.0/16';
const OWN_SERVICE = '10.96.0.1';

/** Unused address (RFC 5737). An API server without nodes has to publish an address, and rejects loopback. */
const UNUSED_ADDRESS = '192.0.2.1';

const READY_LIMIT_MS = 60_000;

const SERVES = /Serving securely on/;

/**
 * Starts etcd and an API server, and waits until it is ready: about 5 s. Needs the parts of the group api, and the parts of controllers
 * and scheduler if these are on. Throws an `Error` with the output of the program that did not start.
 */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const { controllerManager = false, scheduler = false, place, address, flags = {} } = options;
  await using cleanup = new AsyncDisposableStack();
  const own = cleanup.use(tempDir());
  const startPart = (name: PartName, ready: RegExp, flags: Flags): Promise<Daemon> => {
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    return startDaemon({ name, command: needPart(name), args, ready, place });
  };

  const [port, etcdPort] = await freePorts(2);
  const names = ['localhost', '127.0.0.1', OWN_SERVICE, 'kubernetes.default.svc'];
  const credentials = createApiCredentials(own, {
    server: `https://127.0.0.1:${port}`,
    names: address === undefined ? names : [...names, address],
  });
  const access = credentials.admin;
  const kubeconfig = own.write('admin.conf', kubeconfigOf(access));

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  cleanup.use(
    await startPart('etcd', /ready to serve client requests/, {
      'data-dir': join(own.path, 'etcd'),
      'unsafe-no-fsync': 'true',
      'listen-client-urls': etcdUrl,
      'advertise-client-urls': etcdUrl,
      // etcd requires an address for peers, although it has none.
      'listen-peer-urls': 'http://127.0.0.1:0',
    }),
  );
  const serverFlags = {
    'etcd-servers': etcdUrl,
    'bind-address': address === undefined ? '127.0.0.1' : '0.0.0.0',
    'advertise-address': address ?? UNUSED_ADDRESS,
    'secure-port': String(port),
    'kubelet-preferred-address-types': 'InternalIP',
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-cluster-ip-range': SERVICES,
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'allow-privileged': 'true',
    ...flags,
  };
  const kubectl = createKubectl({ kubeconfig, cache: join(own.path, 'kubectl'), place });
  const controllerFlags = {
    kubeconfig,
    'bind-address': '127.0.0.1',
    'leader-elect': 'false',
    'use-service-account-credentials': 'true',
    'flex-volume-plugin-dir': join(own.path, 'volume-plugins'),
  };
  const schedulerFlags = { kubeconfig, 'bind-address': '127.0.0.1', 'leader-elect': 'false' };
  let phase: RotationPhase = 'old';
  const start = async () => {
    await using starting = new AsyncDisposableStack();
    const rotated = credentials.flags(phase);
    const apiServer = await startPart('kube-apiserver', SERVES, { ...serverFlags, ...rotated.server });
    // An orderly stop would wait a minute for running watches.
    starting.defer(() => apiServer.kill());
    await waitFor(() => kubectl('get', '--raw', '/readyz'), {
      limitMs: READY_LIMIT_MS,
      everyMs: 100,
      what: 'a ready API server',
    });
    // Ports are chosen just before their use, because another program may get them in between.
    const ports = (await freePorts(2)).map((free) => ({ 'secure-port': String(free) }));
    if (controllerManager)
      starting.use(
        await startPart('kube-controller-manager', SERVES, {
          ...controllerFlags,
          ...rotated.controllers,
          ...ports[0],
        }),
      );
    if (scheduler)
      starting.use(await startPart('kube-scheduler', SERVES, { ...schedulerFlags, ...ports[1] }));
    return { output: () => apiServer.output(), programs: starting.move() };
  };
  let running = await start();
  cleanup.defer(() => running.programs.disposeAsync());
  const resources = cleanup.move();
  return {
    kubeconfig,
    access,
    accessFor: (subject) => credentials.accessFor(subject, phase),
    kubectl,
    authority: credentials.authorities,
    etcd: etcdUrl,
    output: () => running.output(),
    kill: () => running.programs.disposeAsync(),
    async restart(next = phase) {
      phase = next;
      running = await start();
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

type Flags = Readonly<Record<string, string>>;
