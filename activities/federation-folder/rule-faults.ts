/** Constraint rules that are none, told with the file: their language is a library of its own, so core does not read it. */
import { faultAt, type PathFault } from '../../core/federation/fault.js';
import type { FederationParts } from '../../core/federation/parts.js';
import { ruleProblem } from '../constraints/rule-language.js';

export function ruleFaults(parts: FederationParts): readonly PathFault[] {
  return parts.authorities.flatMap(({ file, value }) =>
    (value.constraints.rules ?? []).flatMap(({ allow }, at) => {
      const problem = ruleProblem(allow);
      return problem === null ? [] : [faultAt(file, ['constraints', 'rules', at, 'allow'], `is no rule: ${problem}`)];
    }),
  );
}
