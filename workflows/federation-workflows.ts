/** Every workflow that the federation worker runs: the bundle's entry point, and nothing else may be exported from it. */
export { eraseCopies } from './erase-copies.js';
export { reconcile } from './reconcile.js';
export { scheduledRun } from './scheduled-run.js';
