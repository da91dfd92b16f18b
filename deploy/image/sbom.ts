import type { DebianPackage } from './debian-lock.ts';
import type { NpmPackage } from './npm-lock.ts';
import { createdOf, type Origin } from './oci-image.ts';

/** Packages in an image. */
export interface Contents {
  readonly debian: readonly DebianPackage[];
  /** Package that contains Node.js. */
  readonly node: NpmPackage;
  readonly npm: readonly NpmPackage[];
}

/** Writes a bill of materials in CycloneDX 1.6 (ECMA-424). It has no serial number, so that the same contents give the same bytes. */
export function sbomOf({ debian, node, npm }: Contents, origin: Origin): object {
  const larder = npmPurl('larder', origin.version);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: createdOf(origin),
      component: {
        type: 'container',
        'bom-ref': larder,
        name: 'larder',
        version: origin.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        purl: larder,
        properties: [{ name: 'org.opencontainers.image.revision', value: origin.revision }],
      },
    },
    components: [
      ...debian.map(debianComponent),
      {
        // Scanners look up vulnerabilities of Node.js by this name, not by the name of the npm package.
        ...npmComponent(node),
        type: 'platform',
        name: 'node',
        cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
      },
      ...npm.map(npmComponent),
    ],
  };
}

function debianComponent({ name, version, architecture, sha256 }: DebianPackage): object {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-12`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    purl,
  };
}

function npmComponent({ name, version, license, integrity }: NpmPackage): object {
  const purl = npmPurl(name, version);
  const content = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    hashes: [{ alg: 'SHA-512', content }],
    licenses: [{ expression: license }],
    purl,
  };
}

/** Escapes the `@` of a scope but not its slash (purl-spec, type npm). */
function npmPurl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}
