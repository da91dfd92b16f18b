import { join } from 'node:path';
import type { Directory } from '../kit/temp.ts';

/** Files of a containerd that has a directory to itself. */
export interface ContainerdFiles {
  readonly configuration: string;
  readonly socket: string;
  /** The directory of all hosts.toml. */
  readonly hosts: string;
  /** Writes the hosts.toml of a registry name: one mirror, and after it `origin`, by default the registry itself. */
  readonly useMirror: (registryName: string, mirrorUrl: string, origin?: string) => void;
}

/** Settings that containerd needs to run pods, beyond images and containers. */
export interface PodSettings {
  /** The image whose process holds a pod together. */
  readonly sandboxImage: string;
  /** Directories of the network plugins and of their configuration. */
  readonly networkPlugins: string;
  readonly networks: string;
  readonly runc: string;
  /** Directory of all hosts.toml, as containerd sees it. */
  readonly configPath: string;
}

/** Writes the configuration of a containerd into its directory. One file is understood by 1.6 to 2.3. */
export function writeContainerdFiles(own: Directory, pods?: PodSettings): ContainerdFiles {
  const socket = join(own.path, 'containerd.sock');
  const hosts = join(own.path, 'certs.d');
  // Version 2 is understood by all. From 2.0 on the transfer service pulls, and unpacks only where configured;
  // the snapshotter is then a setting of cri.v1.images, which does not take over the one of grpc.v1.cri.
  // The native snapshotter works on every file system, also where this one is an overlay itself.
  const configuration = own.write(
    'config.toml',
    `version = 2
root = "${own.path}/root"
state = "${own.path}/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
${pods === undefined ? '' : podSettings(pods)}
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "${pods?.configPath ?? hosts}"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux"
  snapshotter = "native"
`,
  );
  return {
    configuration,
    socket,
    hosts,
    useMirror(registryName, mirrorUrl, origin) {
      const server = origin === undefined ? '' : `server = "${origin}"\n`;
      const mirror = `[host."${mirrorUrl}"]\n  capabilities = ["pull", "resolve"]\n`;
      own.write(join('certs.d', registryName, 'hosts.toml'), server + mirror);
    },
  };
}

/** Without restrict_oom_score_adj no pod starts where root lacks CAP_SYS_RESOURCE, as in many containers. */
function podSettings({ sandboxImage, networkPlugins, networks, runc }: PodSettings): string {
  return `[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${networkPlugins}"
  conf_dir = "${networks}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = "${runc}"
  SystemdCgroup = false`;
}
