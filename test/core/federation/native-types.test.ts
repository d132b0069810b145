/** Core cannot ask a connector what it can do, so it keeps a list; here the two are held together. */
import { expect, test } from 'vitest';
import { awsIamCapabilities } from '../../../activities/connectors/aws-iam/capabilities.js';
import { entraCapabilities } from '../../../activities/connectors/entra/capabilities.js';
import { keystoneCapabilities } from '../../../activities/connectors/keystone/capabilities.js';
import { nativeTypes } from '../../../core/federation/native-types.js';

test.each([awsIamCapabilities, entraCapabilities({ groupPrefix: undefined }), keystoneCapabilities])(
  'core lists exactly the native types of the $kind connector, with what can be done to each',
  (capabilities) => {
    expect(nativeTypes[capabilities.kind]).toEqual(
      Object.fromEntries(capabilities.nativeTypes.map(({ type, writes }) => [type, writes])),
    );
  },
);
