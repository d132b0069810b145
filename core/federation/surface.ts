/**
 * The surface of an authority: per federated type, which fields peers may see, in which form, and of which records.
 *
 * People may write the short form, a list of fields that are shown in clear, or the long one with exposures and a row
 * filter. Everything else in Concordat works with one normal form.
 */
import { z } from 'zod';
import type { Fields } from '../record.js';

/** `digest`: only a keyed digest of the value leaves. `hidden` is what a field is that nobody lists. */
export const Exposure = z.enum(['clear', 'digest', 'hidden']);
export type Exposure = z.infer<typeof Exposure>;

export const RowCondition = z.strictObject({
  field: z.string().describe('a field that the map of this mesh gives; it need not be exposed'),
  equals: z.union([z.string(), z.boolean(), z.null()]).describe('in federated words; null means held and empty'),
});
export type RowCondition = z.infer<typeof RowCondition>;

const shortForm = z.array(z.string()).describe('fields that peers may see in clear; nothing else leaves');

/** The normal form. */
export const TypeSurface = z.strictObject({
  fields: z
    .record(z.string(), Exposure)
    .default({})
    .describe('clear: peers see the value; digest: they see only whether two values are the same; hidden: not listed'),
  where: z
    .array(RowCondition)
    .default([])
    .describe('only records that meet all of these are exposed; the others are counted, never read as deleted'),
});
export type TypeSurface = z.infer<typeof TypeSurface>;

/** As it stands in authorities/<id>.yaml. */
export const WrittenTypeSurface = z.union([shortForm, TypeSurface]);
export type WrittenTypeSurface = z.infer<typeof WrittenTypeSurface>;

/** As it stands in manifests and configurations; what was written in the short form is read as the normal one. */
export const PublishedTypeSurface = z.union([
  shortForm.transform((fields): TypeSurface => normalSurface(fields)),
  TypeSurface,
]);

/** A field that is listed as hidden is one that is not listed. */
export function normalSurface(written: WrittenTypeSurface): TypeSurface {
  if (Array.isArray(written)) return { fields: Object.fromEntries(written.map((name) => [name, 'clear'])), where: [] };
  return {
    fields: Object.fromEntries(Object.entries(written.fields).filter(([, exposure]) => exposure !== 'hidden')),
    where: written.where,
  };
}

/** The surface of one type in its normal form; undefined where the authority exposes nothing of it. */
export function surfaceOf(
  { surface }: { readonly surface: Readonly<Record<string, WrittenTypeSurface>> },
  type: string,
): TypeSurface | undefined {
  const written = Object.hasOwn(surface, type) ? surface[type] : undefined;
  if (written === undefined) return undefined;
  const normal = normalSurface(written);
  return Object.keys(normal.fields).length === 0 ? undefined : normal;
}

/** Fields that peers see, in clear or as a digest. */
export function exposedFields(surface: TypeSurface): readonly string[] {
  return Object.keys(surface.fields);
}

/** Whether a record is exposed. A field that the record does not hold meets no condition. */
export function meetsFilter(where: readonly RowCondition[], fields: Fields): boolean {
  return where.every(({ field, equals }) => Object.hasOwn(fields, field) && fields[field] === equals);
}
