/** Where manifests lie in a federation folder: committed with it, read by everybody. */
export const manifestsFolder = 'manifests';

/** The entity configuration of an authority. */
export function manifestFile(authority: string): string {
  return `${manifestsFolder}/${authority}.jwt`;
}

/** The subordinate statement of an authority about a peer. */
export function pinFile(authority: string, peer: string): string {
  return `${manifestsFolder}/${authority}/peers/${peer}.jwt`;
}

/** The signed JWK set of the keys that an authority used before. */
export function historicalKeysFile(authority: string): string {
  return `${manifestsFolder}/${authority}/historical-keys.jwt`;
}
