/**
 * Checks an AWS Signature Version 4, so that a wrong secret is refused as AWS refuses it.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { SandboxRequest } from '../http/service.js';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();

const form =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/;

export type Signature =
  | { readonly kind: 'valid'; readonly accessKey: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknownKey' }
  | { readonly kind: 'wrong' };

export function checkSignature(request: SandboxRequest, secrets: Readonly<Record<string, string>>): Signature {
  const found = form.exec(request.headers.authorization ?? '');
  if (!found) return { kind: 'missing' };
  const [, accessKey = '', date = '', region = '', service = '', signedHeaders = '', signature = ''] = found;
  const secret = Object.hasOwn(secrets, accessKey) ? secrets[accessKey] : undefined;
  if (secret === undefined) return { kind: 'unknownKey' };

  const headers = signedHeaders.split(';').map((name) => {
    const value = request.headers[name];
    return `${name}:${(Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replace(/ +/g, ' ')}\n`;
  });
  const query = [...request.url.searchParams.entries()]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
  const canonical = [
    request.method,
    request.url.pathname,
    query,
    headers.join(''),
    signedHeaders,
    sha256(request.body),
  ].join('\n');
  const time = String(request.headers['x-amz-date'] ?? '');
  const toSign = ['AWS4-HMAC-SHA256', time, `${date}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request');
  return timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))
    ? { kind: 'valid', accessKey }
    : { kind: 'wrong' };
}
