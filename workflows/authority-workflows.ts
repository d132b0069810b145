/** Every workflow that an authority's worker runs: the bundle's entry point, and nothing else may be exported from it. */
export {
  commit,
  delegate,
  delegations,
  disclose,
  endDelegation,
  erase,
  link,
  probe,
  seal,
  snapshot,
  statement,
  translate,
  undo,
  witness,
} from './steps.js';
export { review } from './review.js';
