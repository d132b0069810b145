/** Roles of an AWS mesh: which sets of managed policies can be told from one another by what is attached. */
import type { Authority } from './authority.js';
import { faultAt, type PathFault } from './fault.js';
import type { Located } from './parts.js';

export function checkPolicySets({ file, value: { mesh } }: Located<Authority>): readonly PathFault[] {
  if (mesh.kind !== 'aws-iam' || mesh.policySets === undefined) return [];
  const faults: PathFault[] = [];
  const sets = Object.entries(mesh.policySets).map(([name, arns]) => ({ name, arns: new Set(arns), written: arns }));
  sets.forEach(({ name, arns, written }, at) => {
    const path = ['mesh', 'policySets', name];
    written.forEach((arn, place) => {
      if (written.indexOf(arn) < place)
        faults.push(faultAt(file, [...path, place], 'stands in this set already; name each policy once'));
      const owner = arn.split(':')[4];
      if (mesh.account !== undefined && owner !== 'aws' && owner !== mesh.account)
        faults.push(
          faultAt(
            file,
            [...path, place],
            `belongs to account ${owner ?? ''}, the mesh to ${mesh.account}; a policy of another account cannot be attached`,
          ),
        );
    });
    const twin = sets.slice(0, at).find((other) => isWithin(other.arns, arns) && isWithin(arns, other.arns));
    if (twin !== undefined)
      return void faults.push(
        faultAt(file, path, `holds the same policies as "${twin.name}"; give them one name`, 'key'),
      );
    // whoever holds the others would seem to hold this one, and nobody could tell whether it was given
    const smaller = sets.filter((other) => !isWithin(arns, other.arns));
    const covered = new Set(smaller.flatMap((other) => [...other.arns]));
    if (isWithin(arns, covered)) {
      const names = smaller.filter((other) => [...other.arns].some((arn) => arns.has(arn))).map((other) => other.name);
      const message = `has every policy in another set (${names.join(', ')}): who holds those seems to hold this one too; give it a policy of its own`;
      faults.push(faultAt(file, path, message, 'key'));
    }
  });
  return faults;
}

function isWithin(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((each) => whole.has(each));
}
