/** `concordat lineage`: where a record's values come from, verified while it is shown. */
import type { Command } from 'commander';
import { exportRecord } from '../../activities/lineage/make-export.js';
import { Findings } from '../../activities/lineage/findings.js';
import { keysOfFederation } from '../../activities/lineage/trusted-keys.js';
import { tellDecisions, tellErasures, verifiedErasures } from '../../activities/lineage/verify-export.js';
import { verifyRecordLineage } from '../../activities/lineage/verify-record.js';
import { readUnverified } from '../../activities/keys/verify.js';
import { hlcParts } from '../../core/clock/hlc.js';
import { decisionType } from '../../core/decision.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import { openSignedFederation } from '../open-federation.js';
import { visibleText } from '../showing/value-text.js';
import { chooseDataset } from '../reading/find-run.js';
import { recordInMesh, recordNamed } from '../reading/lineage.js';
import { exchangeStore } from '../reading/stores.js';
import { findingLines, hopLines } from '../showing/lineage-text.js';

interface LineageOptions {
  readonly dataset?: string;
  readonly mesh?: string;
  readonly type?: string;
}

export function registerLineage(program: Command): void {
  defineCommand(program, {
    name: 'lineage <record>',
    description:
      'Show who showed, approved and wrote what of a record, newest first. Name it by its federated key, the beginning of it, its name, or the opaque id that hops and lineage events give it; with --mesh by its id in that cloud. Exit code 1 where the lineage does not verify.',
    examples: [
      ['concordat lineage "Noor Haddad"', 'by name'],
      ['concordat lineage 5f0c2a91', 'by the beginning of its key'],
      ['concordat lineage --mesh aws AIDAEXAMPLE', 'by what the console of a cloud shows'],
    ],
  })
    .option('--dataset <name>', 'where the federation has several')
    .option('--mesh <authority>', 'the record is named by its id in the cloud of this authority')
    .option('--type <type>', 'with a whole key: also finds a record that is gone')
    .action(
      action<LineageOptions, [record: string]>(async (invocation, { dataset: named, mesh, type }, word) => {
        const federation = await openSignedFederation(invocation.federationFolder);
        const layout = layoutOf(invocation.federationFolder, invocation.environment);
        const exchange = exchangeStore(layout);
        const dataset = chooseDataset(federation, named);
        const name =
          mesh !== undefined
            ? await recordInMesh(federation, layout, dataset, mesh, word)
            : type !== undefined
              ? { dataset, type, key: word }
              : await recordNamed(federation, exchange, dataset, word);
        const keys = keysOfFederation(federation);
        const found = await exportRecord(exchange, keys, name);
        if (!found) throw new ConcordatError('notFound', `no member holds a hop of ${name.type} ${name.key}`);
        const findings = new Findings();
        const hops = await verifyRecordLineage(found.lineage, keys, findings);
        const erasures = await verifiedErasures(found.erasures, [], keys, findings);
        const erasedBy = tellErasures(found.lineage, hops, erasures, found.erasures, keys, findings);
        await tellDecisions(hops, found, keys, findings, erasedBy);
        const approvers = new Map(
          found.decisions.map((jws) => {
            const { id, payload } = readUnverified(jws, { typ: decisionType });
            const { approver } = payload;
            return [id, typeof approver === 'string' ? approver : ''] as const;
          }),
        );
        const faults = findings.all.filter(({ kind }) => kind === 'wrong' || kind === 'missing');
        const erased = findings.all.filter(({ kind }) => kind === 'erased');
        const { paint } = invocation.output;
        invocation.output.result(
          {
            dataset,
            type: name.type,
            key: name.key,
            verified: findings.hold,
            erased: erasures.map(({ receipt, askedBy }) => ({
              authority: receipt.authority,
              atMs: hlcParts(receipt.hlc).ms,
              askedBy: askedBy.map(({ approver }) => approver),
              removed: receipt.removed,
            })),
            hops: hops.map(({ authority, hop, root, index }) => ({
              authority,
              sequence: root.sequence,
              atMs: hlcParts(root.hlc).ms,
              hlc: root.hlc,
              run: root.run,
              plan: root.plan,
              index,
              ...hop,
            })),
            findings: findings.all,
          },
          [
            `${visibleText(name.type)} ${visibleText(name.key)} of ${dataset}`,
            '',
            ...hopLines(hops, approvers, paint),
            '',
            ...(erased.length > 0 ? [...findingLines(erased, paint), ''] : []),
            ...(findings.hold
              ? [paint.green('verified: every hop is signed, logged and cosigned, and goes on from the one before')]
              : findingLines(faults, paint)),
          ],
        );
        return findings.hold ? 0 : 1;
      }),
    );
}
