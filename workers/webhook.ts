/** Posts a notice to the address that an environment variable holds: a chat, a pager, a mail gateway. */
import { ConcordatError } from '../core/errors.js';

const withinMs = 10_000;

/**
 * null where the variable is not named or not set. HAZARD: the address may hold a token, so it is in no message.
 * The function throws unreachable where nothing answers, providerFault where the answer is not 2xx.
 */
export function webhookFrom(
  variable: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ((notice: object) => Promise<void>) | null {
  const address = variable === undefined ? undefined : environment[variable];
  if (address === undefined || address === '') return null;
  return async (notice) => {
    let response: Response;
    try {
      response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(notice),
        redirect: 'error',
        signal: AbortSignal.timeout(withinMs),
      });
      await response.body?.cancel();
    } catch {
      throw new ConcordatError('unreachable', `nothing answers at the address in ${variable}`);
    }
    if (!response.ok)
      throw new ConcordatError('providerFault', `the address in ${variable} answered ${response.status}`);
  };
}
