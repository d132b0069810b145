/** Time zones of schedules and freeze windows. Here and not in core, because machines carry different zone data. */
import { faultAt, type FaultPath, type PathFault } from '../../core/federation/fault.js';
import { suggestion } from '../../core/federation/nearest.js';
import type { FederationParts } from '../../core/federation/parts.js';

export function timeZoneFaults(parts: FederationParts): readonly PathFault[] {
  return [
    ...parts.datasets.flatMap(({ file, value }) =>
      zoneFaults(file, ['schedule', 'timeZone'], value.schedule?.timeZone),
    ),
    ...parts.authorities.flatMap(({ file, value }) =>
      value.constraints.freezeWindows.flatMap(({ timeZone }, at) =>
        zoneFaults(file, ['constraints', 'freezeWindows', at, 'timeZone'], timeZone),
      ),
    ),
  ];
}

function zoneFaults(file: string, path: FaultPath, zone: string | undefined): readonly PathFault[] {
  if (zone === undefined || isKnown(zone)) return [];
  const near = suggestion(zone, Intl.supportedValuesOf('timeZone'));
  const hint = near.startsWith('did you mean') ? near : 'give an IANA name such as Europe/Berlin or UTC';
  return [faultAt(file, path, `"${zone}" is no time zone that this machine knows; ${hint}`)];
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
