/** True if a version such as `1.30.2` is that minor version of Kubernetes 1, or a later one. False for a text that is no version. */
export function hasKubernetes(version: string, leastMinor: number): boolean {
  const [, major, minor] = /^v?([0-9]+)\.([0-9]+)/.exec(version) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= leastMinor);
}
