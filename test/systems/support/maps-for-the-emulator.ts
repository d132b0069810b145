/**
 * entra-emulator drops properties that Entra keeps, so the maps of a new federation cannot be used over it as they are.
 * Each change of a map says why; the list is printed with the other deviations.
 */
import type { Document } from 'yaml';
import type { AuthorityId } from '../../../core/record.js';

export const mapDeviations = [
  {
    about: 'map: no employeeId, no department',
    detail: 'neither is on the surface nor in the map of people, so Azure joins by mail alone: both are dropped',
  },
  {
    about: 'map: handle in displayName',
    detail: "a team's handle is its displayName instead of its mailNickname, which is dropped",
  },
  {
    about: 'map: no uniqueName',
    detail:
      'a new group is given none, because the upsert by uniqueName answers 404, and without mailNickname nothing finds the group of a create that was cut off: no worker of Azure is killed',
  },
] as const;

interface FileEdit {
  readonly file: string;
  readonly edit: (document: Document) => void;
}

export function mapsForTheEmulator(authority: AuthorityId): readonly FileEdit[] {
  return [
    {
      file: `authorities/${authority}.yaml`,
      edit: (document) => document.setIn(['surface', 'person'], ['displayName', 'mail', 'active']),
    },
    {
      file: `maps/${authority}.person.yaml`,
      edit: (document) => {
        for (const field of ['employeeId', 'department']) document.deleteIn(['fields', field]);
      },
    },
    {
      file: `maps/${authority}.team.yaml`,
      edit: (document) => {
        document.setIn(['fields', 'handle', 'path'], 'displayName');
        document.deleteIn(['create', 'uniqueName']);
        document.deleteIn(['create', 'displayName']);
        // Entra wants one of a new group; the emulator takes it and forgets it.
        document.setIn(['create', 'mailNickname'], { template: '{handle}' });
      },
    },
  ];
}
