/** A run out of the exchange store, verified where there is nothing but its export and public keys; and what tampering gives. */
import { mkdtemp, rm, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExport, writeExport, type Exported } from '../../../activities/lineage/export-file.js';
import type { Findings } from '../../../activities/lineage/findings.js';
import { exportRecord, exportRun, type RunExport } from '../../../activities/lineage/make-export.js';
import { keysOfFederation, type TrustedKeys } from '../../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { loadLinks } from '../../../activities/links.js';
import { createFileStore } from '../../../activities/store-files.js';
import { dataset } from '../../support/local-federation.js';
import { run } from '../../cli/run.js';
import { agreedWorld, type AgreedWorld } from './agreed-world.js';

let made: AgreedWorld;
let keys: TrustedKeys;
let exported: RunExport;
let folder: string;

beforeAll(async () => {
  made = await agreedWorld();
  keys = keysOfFederation(made.ground.federation);
  exported = await exportRun(made.world.exchange, keys, dataset, 2);
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-export-'));
});
afterAll(async () => {
  await made?.ground.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const asExported = ({ head, objects }: RunExport): Exported => ({ head, objects: new Map(objects) });
const words = ({ all }: Findings): readonly string[] =>
  all.map(({ kind, authority, words: text }) => `${kind} ${authority ?? 'all'} ${text}`);
const faults = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words: text }) => text);

describe('the export of a run', () => {
  it('says who showed, approved and wrote what, what was agreed and that all of it is logged', async () => {
    const findings = await verifyExport(asExported(exported), keys);
    expect(faults(findings)).toEqual([]);
    const said = words(findings).join('\n');
    expect(said).toMatch(/observed aws read 8 person, .* all of it/);
    expect(said).toMatch(/observed sov read 8 person/);
    expect(said).toMatch(/approved aws ada approved 1 operation at 20/);
    expect(said).toMatch(/wrote aws 1 applied at 20/);
    expect(said).toMatch(/agreed all base 2 \([0-9a-f]{12}\), signed by aws, sov; made again here, to the same digest/);
    expect(said).toMatch(/logged sov signed 1 hop of base 2/);
    expect(said).toMatch(/logged aws its log of \d entries was cosigned by sov/);
  });

  it('holds nothing that does not matter: with any one object altered or left out it does not hold', async () => {
    expect(exported.objects.length).toBeGreaterThan(20);
    for (const [name, bytes] of exported.objects) {
      const altered = Buffer.from(bytes);
      const at = Math.floor(altered.length / 2);
      altered[at] = (altered[at] ?? 0) ^ 1;
      const objects = new Map(exported.objects);
      const tampered = await verifyExport({ head: exported.head, objects: objects.set(name, altered) }, keys);
      expect(tampered.hold, `${name} altered`).toBe(false);
      objects.delete(name);
      expect((await verifyExport({ head: exported.head, objects }, keys)).hold, `${name} left out`).toBe(false);
    }
  }, 60_000);

  it.each<[string, (head: RunExport['head']) => RunExport['head'], string]>([
    ['the number of the base', (head) => ({ ...head, sequence: 3 }), 'it holds base 2 and not 3'],
    ['the dataset', (head) => ({ ...head, dataset: 'another' }), 'another dataset'],
    ['the federation', (head) => ({ ...head, federation: 'another' }), 'the keys are of'],
    ['the log of a member, left out', (head) => ({ ...head, logs: head.logs.slice(1) }), 'nothing of its log'],
    [
      'the place of the witness',
      (head) => ({
        ...head,
        logs: head.logs.map((log) => ({
          ...log,
          agreement: log.hops && { position: log.hops.position, proof: log.hops.proof },
        })),
      }),
      'does not hold its witness',
    ],
    [
      'the signed root of the hops',
      (head) => ({
        ...head,
        logs: head.logs.map((log) => ({
          ...log,
          hops: log.hops && { ...log.hops, root: head.logs[0]?.hops?.root ?? '' },
        })),
      }),
      'signed root',
    ],
    [
      'the cosignatures',
      (head) => ({ ...head, logs: head.logs.map((log) => ({ ...log, cosigned: [] })) }),
      'no peer has cosigned',
    ],
  ])('does not hold with another %s', async (_, change, expected) => {
    const findings = await verifyExport({ head: change(exported.head), objects: new Map(exported.objects) }, keys);
    expect(faults(findings).join('\n')).toContain(expected);
  });

  it('does not hold with keys of others', async () => {
    const strangers = { ...keys, ofLog: () => [], ofMessages: () => [], ofApprover: () => [], ofApprovers: () => [] };
    const findings = await verifyExport(asExported(exported), strangers);
    expect(findings.hold).toBe(false);
    expect(words(findings).filter((text) => text.startsWith('approved') || text.startsWith('wrote'))).toEqual([]);
  });

  it('is read back from its file as it was written, and is never written over another', async () => {
    const file = path.join(folder, 'run.jsonl');
    await writeExport(file, exported.head, exported.objects);
    const read = await readExport(file);
    expect(read.head).toEqual(exported.head);
    expect([...read.objects].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')])).toEqual(
      exported.objects.map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
    );
    await expect(writeExport(file, exported.head, [])).rejects.toMatchObject({ code: 'usage' });
  });

  it.each([
    ['nothing', ''],
    ['text', 'no export\n'],
    ['another version', '{"format":"concordat-export/9"}\n'],
    ['a broken line', '{"format":"concordat-export/1","kind":"record"'],
  ])('that holds %s is refused with its line', async (_, text) => {
    const file = path.join(folder, 'broken.jsonl');
    await writeFile(file, text);
    await expect(readExport(file)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/broken.jsonl:1/),
    });
  });
});

describe('the export of a record', () => {
  const token = async () => {
    const { type, key } = made.record;
    const found = await exportRecord(made.world.exchange, keys, { dataset, type, key });
    if (!found) throw new Error('the record has no hops');
    return found;
  };

  it('names the person who approved, and does not hold without the decision', async () => {
    const head = await token();
    const findings = await verifyExport({ head, objects: new Map() }, keys);
    expect(faults(findings)).toEqual([]);
    expect(words(findings).join('\n')).toMatch(/approved aws base 2: ada approved it at 20/);
    const without = await verifyExport({ head: { ...head, decisions: [] }, objects: new Map() }, keys);
    expect(faults(without).join('\n')).toMatch(/decision [0-9a-f]{12} is not here/);
    const noKeys = await verifyExport(
      { head, objects: new Map() },
      { ...keys, ofApprover: () => [], ofApprovers: () => [] },
    );
    expect(faults(noKeys).join('\n')).toContain('does not verify with the keys of its approvers');
  });
});

describe('the commands', () => {
  const environment = (): Record<string, string> => ({
    CONCORDAT_FEDERATION: made.ground.folder,
    CONCORDAT_EXCHANGE: path.join(folder, 'exchange'),
    CONCORDAT_PRIVATE_ROOT: path.join(folder, 'private'),
  });

  beforeAll(async () => {
    const exchange = createFileStore(path.join(folder, 'exchange'));
    for (const [name, bytes] of made.world.exchange.objects) await exchange.putIfAbsent(name, bytes);
    for (const [name, { bytes }] of made.world.exchange.heads) await exchange.compareAndSetHead(name, 0, bytes);
    const ofAws = createFileStore(path.join(folder, 'private', 'aws'));
    const links = made.world.stores.aws.heads.get(`links/${dataset}`);
    if (links) await ofAws.compareAndSetHead(`links/${dataset}`, 0, links.bytes);
    for (const [name, bytes] of made.world.stores.aws.objects)
      if (name.startsWith('links-buckets/')) await ofAws.putIfAbsent(name, bytes);
    await ofAws.putIfAbsent('secrets/link-key', made.world.contexts.aws.linkKey);
  });

  it('find a record by the id that the console of a cloud shows, where its authority is at home', async () => {
    const links = await loadLinks(made.world.stores.aws, dataset, made.world.contexts.aws.linkKey);
    await links.readWhole('person');
    const nativeId = links.nativeIdOf('person', made.record.key);
    const shown = await run(['lineage', '--mesh', 'aws', nativeId ?? ''], { environment: environment() });
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(made.record.key);
    const unknown = await run(['lineage', '--mesh', 'aws', 'AIDAUNKNOWN'], { environment: environment() });
    expect(unknown.stderr).toContain('aws has linked no object AIDAUNKNOWN');
  });

  it('show a lineage by name, export it, and verify the file with nothing but the folder of keys', async () => {
    const { displayName } = made.record.fields;
    const name = typeof displayName === 'string' ? displayName : made.record.key;
    const shown = await run(['lineage', name], { environment: environment() });
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/2 +20\S+ \S+ +aws +was written +department +ada/);
    expect(shown.stdout).toContain('verified: every hop is signed');
    const asJson = await run(['lineage', made.record.key.slice(0, 16), '--json'], { environment: environment() });
    expect(JSON.parse(asJson.stdout)).toMatchObject({ verified: true, key: made.record.key });
    expect(
      (await run(['export', name, '-o', 'record.jsonl'], { environment: environment(), workingFolder: folder })).code,
    ).toBe(0);
    const verified = await run(['verify', 'record.jsonl', '--peers', made.ground.folder], { workingFolder: folder });
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/approved +aws +base 2: ada approved it/);
  });

  it('export a run, and verify says no once a word of the file is another', async () => {
    const made2 = await run(['export', `${dataset}@2`, '-o', 'second.jsonl'], {
      environment: environment(),
      workingFolder: folder,
    });
    expect(made2).toMatchObject({ code: 0, stderr: '' });
    const good = await run(['verify', 'second.jsonl', '--peers', made.ground.folder, '--json'], {
      workingFolder: folder,
    });
    expect(JSON.parse(good.stdout)).toMatchObject({ verified: true, sequence: 2 });
    const text = await readFile(path.join(folder, 'second.jsonl'), 'utf8');
    await writeFile(path.join(folder, 'altered.jsonl'), text.replace('Archive', 'Library'));
    const bad = await run(['verify', 'altered.jsonl', '--peers', made.ground.folder], { workingFolder: folder });
    expect(bad.code).toBe(1);
    expect(bad.stdout).toContain('it does not hold as a whole');
  });

  it('say what examples/03-proof shows of them, from its first to its last', async () => {
    const working = await mkdtemp(path.join(folder, 'walk-'));
    const readme = await readFile(path.resolve(import.meta.dirname, '../../../examples/03-proof/README.md'), 'utf8');
    const steps = walkOf(readme);
    expect(steps.map(({ command }) => command.split(' ')[0])).toEqual(
      'concordat concordat concordat concordat echo concordat sed concordat echo concordat'.split(' '),
    );
    let code = 0;
    for (const { command, shown } of steps) {
      const [program, ...words] = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, one, other]) => one ?? other ?? '');
      if (program === 'echo') expect(shown, command).toEqual([String(code)]);
      if (program === 'sed') {
        const text = await readFile(path.join(working, 'agreement.jsonl'), 'utf8');
        await writeFile(path.join(working, 'altered.jsonl'), text.replace('Archive', 'Library'));
      }
      if (program !== 'concordat') continue;
      const argv = words.map((word) => (word === './federation' ? made.ground.folder : word));
      const said = await run(argv, { environment: environment(), workingFolder: working });
      expect([said.stderr, ...comparable(said.stdout, working)], command).toEqual([
        '',
        ...comparable(shown.join('\n')),
      ]);
      code = said.code;
      if (words[0] !== 'export' || !words.includes('person.jsonl')) continue;
      // The README shows what comes of it, and not how a decision is taken out of a file.
      const person = JSON.parse(await readFile(path.join(working, 'person.jsonl'), 'utf8')) as object;
      await writeFile(path.join(working, 'undecided.jsonl'), JSON.stringify({ ...person, decisions: [] }));
    }
  });

  it('say what to do about what is not there', async () => {
    const options = { environment: environment(), workingFolder: folder };
    expect((await run(['export', `${dataset}@9`, '-o', 'none.jsonl'], options)).stderr).toContain(
      'no member of this federation has taken up base 9',
    );
    expect((await run(['lineage', 'nobody at all'], options)).stderr).toContain('no record of workforce');
    expect((await run(['lineage', '--mesh', 'sov', 'a1'], options)).stderr).toContain(
      'run this where the worker of sov runs',
    );
    expect((await run(['verify', 'none.jsonl', '--peers', made.ground.folder], options)).stderr).toContain(
      'there is no file',
    );
    expect((await run(['verify', 'second.jsonl', '--peers', '/nowhere'], options)).code).toBe(1);
  });
});

/** Each command of the README with the lines that it shows after it. */
function walkOf(readme: string): readonly { readonly command: string; readonly shown: readonly string[] }[] {
  return [...readme.matchAll(/^```\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command = '', ...shown] = text.trimEnd().split('\n');
        return { command, shown };
      }),
  );
}

/** Without what is another in every run: ids, times, the width that they give to columns, and where the files lie. */
function comparable(text: string, working = '.'): readonly string[] {
  return text
    .trimEnd()
    .replaceAll(`${working}/`, '')
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, 'ID')
    .replaceAll(/\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}Z)?/g, 'TIME')
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' ').trimEnd());
}
