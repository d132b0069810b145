/** In a process of its own: whoever loaded the SDK before would have heard its warning already. */
import { expect, it } from 'vitest';
import { createAwsIamConnector } from '../../activities/connectors/aws-iam/connector.js';

it('prints no warning about the version of Node when it is made', async () => {
  delete process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'];
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', listen);
  createAwsIamConnector({
    mesh: { kind: 'aws-iam', region: 'us-east-1', pathPrefix: '/' },
    environment: { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' },
  });
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
