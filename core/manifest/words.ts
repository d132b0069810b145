/** Differences of terms as people read them: "azure no longer exposes team.description". */
import { durationMs, durationWords, Duration } from '../duration.js';
import { isJsonObject, type Json } from '../json.js';
import type { AuthorityId } from '../record.js';
import type { Difference } from './difference.js';

/**
 * One sentence without a full stop. Holds names that a peer chose: whoever shows it escapes control characters first.
 */
export function differenceWords(authority: AuthorityId, difference: Difference): string {
  const { path, before, after } = difference;
  const names = path.map(({ name }) => name);
  const [section = '', part = '', name = ''] = names;
  const isNew = before === undefined;
  switch (section) {
    case 'surface':
      return surfaceWords(authority, names, before, after);
    case 'constraints':
      if (part === 'brakes') return brakeWords(authority, name, names.at(-1) ?? '', before, after);
      if (part === 'freezeWindows')
        return isNew ? `${authority} freezes ${windowOf(after)}` : `${authority} no longer freezes ${windowOf(before)}`;
      if (part === 'protected')
        return isNew ? `${authority} protects ${rule(after)}` : `${authority} no longer protects ${rule(before)}`;
      if (part === 'ceilings')
        return isNew
          ? `${authority} writes no value above ${ceiling(after)}`
          : `${authority} no longer holds values down to ${ceiling(before)}`;
      if (part === 'rules')
        return isNew
          ? `${authority} has the rule ${ruleName(after)}`
          : `${authority} no longer has the rule ${ruleName(before)}`;
      if (part === 'writable') return writableWords(authority, before, after);
      if (part === 'residency' && name === 'keepWithin')
        return `${authority} keeps values within regions: ${text(after)} instead of ${text(before)}`;
      if (part === 'freshness')
        return `${authority} lets a run write for ${time(after)} after its start instead of ${time(before)}`;
      break;
    case 'approval':
      if (part === 'quorum') return numberWords(authority, 'quorum', before, after);
      if (part === 'quorumWhenBraked') return numberWords(authority, 'quorum after a brake tripped', before, after);
      if (part === 'quorums')
        return isNew
          ? `${authority} asks for more: ${quorumRule(after)}`
          : `${authority} no longer asks for ${quorumRule(before)}`;
      if (part === 'separationOfDuties')
        return `${authority} ${after === 'required' ? 'separates' : 'no longer separates'} who links from who approves`;
      if (part === 'delegationMax')
        return `${authority} lets an approver lend their voice for ${time(after)} instead of ${time(before)}`;
      if (part === 'deadline') return `${authority} gives its approvers ${time(after)} instead of ${time(before)}`;
      break;
    case 'approvers':
      if (name === '')
        return isNew
          ? `${authority} lists ${part} as an approver`
          : `${authority} no longer lists ${part} as an approver`;
      if (name === 'key')
        return after === undefined || isNew
          ? `${part} of ${authority} ${isNew ? 'has' : 'no longer has'} a key`
          : `${part} of ${authority} has another key`;
      if (name === 'roles')
        return isNew
          ? `${part} of ${authority} has the role ${names.at(-1)}`
          : `${part} of ${authority} no longer has the role ${names.at(-1)}`;
      break;
    case 'lineage':
      if (part === 'keepFor') return `${authority} keeps its lineage for ${time(after)} instead of ${time(before)}`;
      if (part === 'cosign')
        return after === true
          ? `${authority} cosigns the logs of its peers`
          : `${authority} no longer cosigns the logs of its peers`;
      break;
    case 'description':
      return `${authority} describes itself in other words`;
    case 'mesh':
      return `${authority} governs a mesh of the kind ${text(after)} instead of ${text(before)}`;
    default:
  }
  const what = names.join('.');
  if (isNew) return `${authority} states ${what}: ${text(after)}`;
  return after === undefined
    ? `${authority} no longer states ${what}: ${text(before)}`
    : `${authority} changes ${what} from ${text(before)} to ${text(after)}`;
}

function surfaceWords(
  authority: AuthorityId,
  names: readonly string[],
  before: Json | undefined,
  after: Json | undefined,
): string {
  if (names[2] === 'where')
    return after === undefined
      ? `${authority} no longer exposes only the ${names[1]} records where ${conditionWords(before)}`
      : `${authority} exposes only the ${names[1]} records where ${conditionWords(after)}`;
  const field = [names[1], names.at(-1)].join('.');
  if (after === undefined || after === 'hidden') return `${authority} no longer exposes ${field}`;
  if (before === undefined || before === 'hidden')
    return `${authority} now exposes ${field}${after === 'digest' ? ' as a digest' : ''}`;
  return `${authority} exposes ${field} ${after === 'digest' ? 'only as a digest' : 'in clear'}`;
}

function conditionWords(condition: Json | undefined): string {
  return isJsonObject(condition) ? `${text(condition['field'])} is ${text(condition['equals'])}` : text(condition);
}

const brakes: Readonly<Record<string, string>> = {
  operationsMax: 'operations',
  percentMax: 'percent of the records',
  deletionsMax: 'deletions',
};

function brakeWords(
  authority: AuthorityId,
  type: string,
  limit: string,
  before: Json | undefined,
  after: Json | undefined,
): string {
  const what = `${brakes[limit] ?? limit} of ${type} in one plan`;
  if (after === undefined) return `${authority} no longer brakes at ${text(before)} ${what}`;
  return `${authority} brakes at ${text(after)} ${what}${before === undefined ? '' : ` instead of ${text(before)}`}`;
}

function numberWords(authority: AuthorityId, what: string, before: Json | undefined, after: Json | undefined): string {
  if (typeof before === 'number' && typeof after === 'number')
    return `${authority} ${after > before ? 'raises' : 'lowers'} its ${what} from ${before} to ${after}`;
  return after === undefined
    ? `${authority} no longer states its ${what} (${text(before)})`
    : `${authority} sets its ${what} to ${text(after)}`;
}

function quorumRule(value: Json | undefined): string {
  if (!isJsonObject(value)) return text(value);
  return `${text(value['need'])} for ${text(value['for'])}`;
}

function windowOf(value: Json | undefined): string {
  if (!isJsonObject(value)) return text(value);
  return `from ${text(value['from'])} to ${text(value['to'])} (${text(value['reason'])})`;
}

function rule(value: Json | undefined): string {
  if (!isJsonObject(value)) return text(value);
  return `records of ${text(value['type'])} where ${text(value['where'])} (${text(value['reason'])})`;
}

function ceiling(value: Json | undefined): string {
  if (!isJsonObject(value)) return text(value);
  return `${text(value['among'])} in ${text(value['type'])}.${text(value['field'])} (${text(value['reason'])})`;
}

function ruleName(value: Json | undefined): string {
  if (!isJsonObject(value)) return text(value);
  return `${text(value['name'])}: ${text(value['allow'])} (${text(value['reason'])})`;
}

function writableWords(authority: AuthorityId, before: Json | undefined, after: Json | undefined): string {
  if (after === undefined) return `${authority} lets all be written that its surface shows`;
  if (before === undefined) return `${authority} lets nothing be written but ${text(after)}`;
  return `${authority} lets ${text(after)} be written instead of ${text(before)}`;
}

function time(value: Json | undefined): string {
  const parsed = Duration.safeParse(value);
  return parsed.success ? durationWords(durationMs(parsed.data)) : text(value);
}

function text(value: Json | undefined): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
}
