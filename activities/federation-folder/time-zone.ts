/** Time zones of schedules. Here and not in core, because machines carry different zone data. */
import { faultAt, type PathFault } from '../../core/federation/fault.js';
import { suggestion } from '../../core/federation/nearest.js';
import type { FederationParts } from '../../core/federation/parts.js';

export function timeZoneFaults(parts: FederationParts): readonly PathFault[] {
  return parts.datasets.flatMap(({ file, value }) => {
    const zone = value.schedule?.timeZone;
    if (zone === undefined || isKnown(zone)) return [];
    const near = suggestion(zone, Intl.supportedValuesOf('timeZone'));
    const hint = near.startsWith('did you mean') ? near : 'give an IANA name such as Europe/Berlin or UTC';
    return [faultAt(file, ['schedule', 'timeZone'], `"${zone}" is no time zone that this machine knows; ${hint}`)];
  });
}

function isKnown(zone: string): boolean {
  // Newer engines accept "+02:00" too; Temporal wants a name.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}
