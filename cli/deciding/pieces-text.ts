/** What stands in a decision that does not list its operations, in words, so that people see what they sign. */
import type { AuthorityId } from '../../core/record.js';
import { counted, shortDigest } from '../showing/words.js';
import type { Piece } from './pieces.js';

const rangesShown = 4;
const piecesShown = 3;

/** Nothing where one decision lists all. */
export function piecesLines(authority: AuthorityId, pieces: readonly Piece[]): readonly string[] {
  const many = pieces.filter(({ ranges }) => ranges !== null);
  return [
    ...(pieces.length > 1 ? [`  ${pieces.length} decisions are signed, because one does not hold all of it`] : []),
    ...many.slice(0, piecesShown).map((piece) => `  ${pieceText(authority, piece)}`),
    ...(many.length > piecesShown ? [`  … and ${many.length - piecesShown} more such decisions`] : []),
  ];
}

function pieceText(authority: AuthorityId, { ranges }: Piece): string {
  if (!ranges) return '';
  const { places, count, root } = ranges;
  // People count from one.
  const words = places
    .slice(0, rangesShown)
    .map(([first, last]) => (first === last ? `${first + 1}` : `${first + 1}-${last + 1}`));
  const more = places.length > rangesShown ? ` and ${counted(places.length - rangesShown, 'more range')}` : '';
  return `signed by place: ${counted(count, 'operation')}, ${words.join(', ')}${more} of those that the plan has for ${authority}, root ${shortDigest(root)}`;
}
