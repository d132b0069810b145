/**
 * The shape of a cron text: five fields as in crontab(5), with the names of months and days. Rough on purpose: the
 * Temporal server has the last word, this finds the slips of a hand (six fields, minute 75, a range backwards).
 */

const fields: readonly {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly words: readonly string[];
}[] = [
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  { name: 'day of month', from: 1, to: 31, words: [] },
  {
    name: 'month',
    from: 1,
    to: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of week', from: 0, to: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/** What is wrong with a cron text, or undefined. */
export function cronFault(cron: string): string | undefined {
  const given = cron.trim().split(/\s+/);
  if (given.length !== fields.length)
    return `needs five fields (minute, hour, day of month, month, day of week), not ${cron.trim() === '' ? 0 : given.length}`;
  for (const [at, field] of fields.entries()) {
    for (const part of (given[at] ?? '').split(',')) {
      const [range = '', step, ...more] = part.split('/');
      if (more.length > 0 || (step !== undefined && !/^[1-9][0-9]*$/.test(step)))
        return `the step of the ${field.name} must be a number above 0`;
      if (range === '*') continue;
      const ends = range.split('-').map((end) => valueOf(end, field));
      if (ends.length > 2 || ends.some((end) => end === undefined))
        return `the ${field.name} must be *, or ${field.from} to ${field.to}, a range or a list of these`;
      const [from = 0, to = from] = ends as number[];
      if (from > to) return `the range of the ${field.name} goes backwards`;
    }
  }
  return undefined;
}

function valueOf(text: string, field: (typeof fields)[number]): number | undefined {
  const word = field.words.indexOf(text.toLowerCase());
  if (word >= 0) return word + field.from;
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.from && value <= field.to ? value : undefined;
}
