/** `privileges` of taxonomy fields: an order or capabilities that fit the kind of the field. */
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { repeatedAt } from './parts.js';
import type { Privileges } from './privileges.js';
import type { FieldKind } from './taxonomy.js';

export function checkPrivileges(file: string, path: FaultPath, field: FieldKind): readonly PathFault[] {
  const privileges: Privileges | undefined = 'privileges' in field ? field.privileges : undefined;
  if (!privileges) return [];
  if ('order' in privileges) {
    const wanted = field.kind === 'boolean' ? 'boolean' : 'string';
    const at = (position: number): FaultPath => [...path, 'privileges', 'order', position];
    return [
      ...repeatedAt(privileges.order, (value) => JSON.stringify(value)).map((position) =>
        faultAt(file, at(position), 'stands in the order already'),
      ),
      ...privileges.order.flatMap((value, position) =>
        value === null || typeof value === wanted
          ? []
          : [faultAt(file, at(position), `must be ${wanted === 'boolean' ? 'true, false' : 'a text'} or null`)],
      ),
    ];
  }
  if (field.kind === 'boolean')
    return [
      faultAt(file, [...path, 'privileges', 'capabilities'], 'are for texts; give true and false an order', 'key'),
    ];
  return [];
}
