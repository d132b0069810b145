/** taxonomy/capabilities.yaml against itself and against what names a capability elsewhere. */
import { faultAt, type PathFault } from './fault.js';
import { capabilitiesFileName, mapNameOf } from './files.js';
import { effectNatives, placeNatives } from './effect-natives.js';
import { suggestion } from './nearest.js';
import { authorityOf, repeatedAt, typeOf, type FederationParts } from './parts.js';
import { effectFieldsOf, placeFieldsOf } from './taxonomy.js';

export function checkCapabilities(parts: FederationParts): readonly PathFault[] {
  const { capabilities } = parts;
  // Of a file that has faults of its own nobody can say what it declares.
  if (parts.broken.includes(capabilitiesFileName)) return checkNatives(parts);
  const declared = capabilities?.value.capabilities ?? [];
  const repeated = repeatedAt(declared, ({ capability }) => capability).map((at) =>
    faultAt(capabilitiesFileName, ['capabilities', at, 'capability'], 'is declared already'),
  );
  const names = declared.map(({ capability }) => capability);
  const unsaid = declared.flatMap(({ capability }, at) =>
    /^[^(),\s]+( [^(),\s]+)*$/.test(capability)
      ? []
      : [
          faultAt(
            capabilitiesFileName,
            ['capabilities', at, 'capability'],
            'is words with single spaces between them, without parentheses or commas',
          ),
        ],
  );
  const undeclared = capabilities
    ? []
    : parts.taxonomy.flatMap(({ file, value }) =>
        effectFieldsOf(value).map((field) =>
          faultAt(
            file,
            ['fields', field, 'kind'],
            `an effect is a set of capabilities, and no file declares any; write ${capabilitiesFileName}`,
          ),
        ),
      );
  return [
    ...repeated,
    ...unsaid,
    ...undeclared,
    ...(capabilities ? checkPrivileges(parts, names) : []),
    ...checkNatives(parts),
  ];
}

/** Where capabilities are declared, what the values of a field permit is said in their names. */
function checkPrivileges(parts: FederationParts, names: readonly string[]): readonly PathFault[] {
  return parts.taxonomy.flatMap(({ file, value }) =>
    Object.entries(value.fields).flatMap(([field, kind]) => {
      const privileges = 'privileges' in kind ? kind.privileges : undefined;
      if (!privileges || !('capabilities' in privileges)) return [];
      return Object.entries(privileges.capabilities).flatMap(([of, permitted]) =>
        permitted.flatMap((name, at) =>
          names.includes(name)
            ? []
            : [
                faultAt(
                  file,
                  ['fields', field, 'privileges', 'capabilities', of, at],
                  `no capability "${name}" in ${capabilitiesFileName}; ${suggestion(name, names)}`,
                ),
              ],
        ),
      );
    }),
  );
}

/** An effect is worked out for roles and grants; of a person or a scope nothing would ever be said. */
function checkNatives(parts: FederationParts): readonly PathFault[] {
  return parts.maps.flatMap(({ file, value }) => {
    const kind = authorityOf(parts, mapNameOf(file).authority)?.value.mesh.kind;
    const type = typeOf(parts, value.type)?.value;
    if (!kind || !type) return [];
    const unknown = (fields: readonly string[], natives: Readonly<Record<string, unknown>>, what: string) =>
      Object.hasOwn(natives, value.native)
        ? []
        : fields
            .filter((field) => Object.hasOwn(value.fields, field))
            .map((field) =>
              faultAt(
                file,
                ['fields', field],
                `${what} cannot be worked out; in this mesh that is known of ${Object.keys(natives).join(', ')}`,
                'key',
              ),
            );
    return [
      ...unknown(effectFieldsOf(type), effectNatives[kind], `what a ${value.native} leaves`),
      ...unknown(placeFieldsOf(type), placeNatives[kind], `where a ${value.native} counts`),
    ];
  });
}
