import { connect } from 'node:tls';
import { once } from 'node:events';
import { digestOf, get, MEDIA_TYPES, type TestBlob } from '../../test/kit/index.ts';
import type { PushedImage } from '../peers/origin.ts';

/** GETs a blob and compares every byte. Throws an `Error` with the difference. */
export async function proveBlob(url: string, blob: TestBlob, ca?: string): Promise<void> {
  const { status, complete, matches, bytes } = await get(url, { body: { expect: blob }, ca });
  if (status === 200 && complete && matches === true && bytes === blob.size) return;
  throw new Error(`GET ${url} gave ${status} and ${bytes} bytes of ${blob.size}, right: ${String(matches)}`);
}

/** GETs a manifest with this `Authorization`, and checks its digest and media type. Throws an `Error` with the difference. */
export async function proveManifest(
  url: string,
  { manifest }: PushedImage,
  authorization?: string,
): Promise<void> {
  const accept = MEDIA_TYPES.ociManifest;
  const { status, body, headers } = await get(url, {
    headers: authorization === undefined ? { accept } : { accept, authorization },
  });
  if (status === 200 && digestOf(body) === manifest && headers['content-type'] === MEDIA_TYPES.ociManifest)
    return;
  throw new Error(`GET ${url} gave ${status}, ${headers['content-type']} and content ${digestOf(body)}`);
}

/** Finds the protocol and cipher that a server chooses by default, such as `TLSv1.3 TLS_AES_256_GCM_SHA384`. */
export async function negotiated(url: string, ca: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca });
  await once(socket, 'secureConnect');
  const text = `${socket.getProtocol()} ${socket.getCipher().standardName}`;
  socket.destroy();
  return text;
}
