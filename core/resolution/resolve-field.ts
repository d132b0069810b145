/**
 * One field of one record under the policy that its dataset declares, in place of the three-way rules.
 *
 * Pure data in, verdicts out, the same for every order of members. HAZARD: a member that cannot be heard (absent from the
 * run, its snapshot incomplete, the field unreadable) never decides: what it owns waits, and nothing widens without it.
 */
import type { FieldVerdict } from '../verdict.js';
import type { FieldScene } from './field-scene.js';
import { resolveSet } from './resolve-set.js';
import { resolveValue } from './resolve-value.js';

export function resolveField(scene: FieldScene): readonly FieldVerdict[] {
  return scene.kind.kind === 'set' ? resolveSet(scene) : resolveValue(scene);
}
