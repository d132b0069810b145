/**
 * What a Parquet file says of the type of a column, as its own documentation writes it: `DECIMAL(12,2)`,
 * `TIMESTAMP(MICROS,UTC)`, `INT64`, `LIST<STRING>`. https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 */
import type { LogicalType, SchemaElement, SchemaTree } from 'hyparquet';

export function declaredType({ element, children }: SchemaTree): string {
  const own = logicalName(element) ?? element.converted_type ?? physicalName(element) ?? 'GROUP';
  if (children.length === 0) return own;
  const isCollection = own === 'LIST' || own === 'MAP';
  // A list and a map have a group around what they hold, with a name that says nothing.
  const held = isCollection
    ? children.flatMap((child) => (child.children.length > 0 ? child.children : child))
    : children;
  const parts = held.map((child) => (isCollection ? '' : `${child.element.name}: `) + declaredType(child));
  return `${own}<${parts.join(', ')}>`;
}

function logicalName(element: SchemaElement): string | undefined {
  const { logical_type: logical, converted_type: converted, precision, scale } = element;
  if (logical !== undefined) return withParameters(logical);
  return converted === 'DECIMAL' ? `DECIMAL(${precision ?? 0},${scale ?? 0})` : undefined;
}

function withParameters(logical: LogicalType): string {
  switch (logical.type) {
    case 'DECIMAL':
      return `DECIMAL(${logical.precision},${logical.scale})`;
    case 'INTEGER':
      return `${logical.isSigned ? 'INT' : 'UINT'}(${logical.bitWidth})`;
    case 'TIME':
    case 'TIMESTAMP':
      return `${logical.type}(${logical.unit},${logical.isAdjustedToUTC ? 'UTC' : 'LOCAL'})`;
    default:
      return logical.type;
  }
}

function physicalName({ type, type_length: length }: SchemaElement): string | undefined {
  return type === 'FIXED_LEN_BYTE_ARRAY' ? `${type}(${length ?? 0})` : type;
}
