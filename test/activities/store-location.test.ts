import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { absoluteLocation, parseStoreLocation } from '../../activities/store-location.js';

describe('where a store is', () => {
  test.each([
    ['exchange', { kind: 'folder', folder: resolve('exchange') }],
    ['/srv/exchange', { kind: 'folder', folder: '/srv/exchange' }],
    ['s3://shared', { kind: 's3', bucket: 'shared', prefix: '' }],
    ['s3://shared/', { kind: 's3', bucket: 'shared', prefix: '' }],
    ['s3://shared/a/b/', { kind: 's3', bucket: 'shared', prefix: 'a/b/' }],
    [
      's3://shared/a%20b?region=eu-central-1&profile=exchange&endpoint=http://127.0.0.1:9000',
      {
        kind: 's3',
        bucket: 'shared',
        prefix: 'a b/',
        region: 'eu-central-1',
        profile: 'exchange',
        endpoint: 'http://127.0.0.1:9000',
      },
    ],
  ])('%s', (text, location) => {
    expect(parseStoreLocation(text, 'CONCORDAT_EXCHANGE')).toEqual(location);
  });

  test('stays a URL where it is one, and becomes absolute where it is a folder', () => {
    expect(absoluteLocation('s3://shared/x?region=eu-central-1', 'X')).toBe('s3://shared/x?region=eu-central-1');
    expect(absoluteLocation('here', 'X')).toBe(resolve('here'));
  });
});

describe('what cannot be one is refused, with all its faults, and no password is repeated', () => {
  test.each([
    ['gs://shared/x', ['CONCORDAT_EXCHANGE starts with gs://; a folder or s3:// is known here']],
    ['s3://', ['CONCORDAT_EXCHANGE names no bucket: s3://BUCKET/PREFIX']],
    ['s3://A_B', ['CONCORDAT_EXCHANGE names no bucket: s3://BUCKET/PREFIX']],
    [
      's3://AKIA:hunter2@shared/x?regoin=eu&endpoint=localhost&profile=#x',
      [
        'CONCORDAT_EXCHANGE holds credentials: name a profile of the AWS configuration with ?profile= in place of them',
        'CONCORDAT_EXCHANGE has a # in it, which a prefix cannot have',
        'CONCORDAT_EXCHANGE has an unknown parameter regoin; known are region, endpoint, profile',
        'CONCORDAT_EXCHANGE says profile= and then nothing',
        'CONCORDAT_EXCHANGE has an endpoint that is no http or https URL',
      ],
    ],
    ['s3://shared?region=a&region=b', ['CONCORDAT_EXCHANGE says region more than once']],
    ['https://[', ['CONCORDAT_EXCHANGE is neither a folder nor a URL such as s3://bucket/prefix']],
  ])('%s', (text, faults) => {
    const attempt = (): unknown => parseStoreLocation(text, 'CONCORDAT_EXCHANGE');
    expect(attempt).toThrow(expect.objectContaining({ code: 'usage', message: faults.join('\n') }));
    expect(attempt).not.toThrow(/hunter2/);
  });
});
