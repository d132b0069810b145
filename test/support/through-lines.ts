/** A connector that reads by lines, seen as one that reads objects: so that every test of a read is one of lines too. */
import type { Connector, ReadItem, ReadRequest } from '../../activities/connectors/connector.js';
import type { NativeObject } from '../../core/record.js';

export function objectsOfLines(lines: Uint8Array): readonly NativeObject[] {
  return JSON.parse(`[${Buffer.from(lines).toString('utf8')}]`) as readonly NativeObject[];
}

export function throughLines(connector: Connector): Connector {
  return {
    ...connector,
    readAll: async function* (request: ReadRequest): AsyncGenerator<ReadItem> {
      if (!connector.readLines) throw new Error('it does not read by lines');
      for await (const item of connector.readLines(request)) {
        if (item.kind !== 'lines') {
          yield item;
          continue;
        }
        const objects = objectsOfLines(item.lines);
        if (objects.length !== item.count || objects.some(({ type }) => type !== item.nativeType))
          throw new Error('a page of lines says other objects than it holds');
        yield { kind: 'objects', scope: item.scope, objects, cursor: item.cursor };
      }
    },
  };
}
