/** The test kit's public surface. It imports nothing from `src/`, so that it can judge it. */
export {
  blobFrom,
  blobOf,
  digestOf,
  type DigestAlgorithm,
  type SyntheticBlob,
  type TestBlob,
} from './blob.ts';
export {
  createTestPki,
  type CertificateFlaw,
  type KeyPair,
  type Subject,
  type TestPki,
} from './certificate.ts';
export { startCloud, type Cloud, type CloudRequest } from './cloud.ts';
export type { CloudService } from './cloud/services.ts';
export { basic, get, head, type GetOptions, type GetResult } from './client.ts';
export { commandsOfStep, docSteps, withNames, type DocCommand, type DocStep } from './doc-commands.ts';
export {
  artifactOf,
  emptyConfig,
  imageOf,
  indexOf,
  MANIFEST_LIMIT,
  MEDIA_TYPES,
  oversizedImage,
  zeroByteBlob,
  type ArtifactOptions,
  type ImageOptions,
  type IndexOptions,
  type Platform,
  type TestImage,
} from './image.ts';
export { assertNoLeaks } from './leaks.ts';
export { logIn, type Login } from './log-in.ts';
export { machineOf, measureMachine, type Machine } from './machine.ts';
export { parseMetrics, type Metrics, type Series } from './metrics.ts';
export type { Place } from './place.ts';
export {
  EXECUTABLE,
  runLarder,
  startLarder,
  type CommandResult,
  type Exit,
  type LarderOptions,
  type LarderProcess,
  type LogLine,
  type Secrets,
} from './process.ts';
export { pullBaseline, type PullBaseline } from './pull-baseline.ts';
export { pullImage, type PullOptions, type PullResult } from './pull.ts';
export { connectRaw, type RawConnection } from './raw-connection.ts';
export { tempDir, type TempDir } from './temp.ts';
export { tlsFlags } from './tls-flags.ts';
export { startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts';
export type { ChallengeQuirks } from './upstream/auth.ts';
export type { Access } from './upstream/catalogue.ts';
export type { FaultEffects, FaultHandle, FaultOptions, Faults } from './upstream/faults.ts';
export type { Connections, Origin, TlsFailure } from './upstream/origin.ts';
export type { RedirectOptions } from './upstream/redirects.ts';
export type { Ending, Identity, RequestFilter, RequestRecord } from './upstream/request-log.ts';
export type { RequestKind } from './upstream/route.ts';
export type { TokenOptions } from './upstream/token-server.ts';
export type { Token, Tokens } from './upstream/tokens.ts';
export { gate, waitFor, type Gate, type WaitOptions } from './wait.ts';
