/**
 * Reading the stream of a table: its shards, and which items each of them names. What the stream cannot tell any more is a
 * value; https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
 */
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record,
  type GetRecordsCommandOutput,
  type ShardIteratorType,
} from '@aws-sdk/client-dynamodb-streams';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { answerOf, answerWords, readFailure } from '../../aws-answers.js';
import type { UntoldReason } from '../connector.js';
import { clientConfig } from './client.js';
import type { DynamodbConnectorOptions } from './config.js';
import type { Shard } from './shards.js';

export interface Untold {
  readonly why: UntoldReason;
  readonly detail: string;
}

export function isUntold(value: object): value is Untold {
  return 'why' in value;
}

export interface ReadShard {
  /** Of the last record; the one that it was read after where there is none. */
  readonly lastSequence: string | null;
  /** No record will be added. */
  readonly isEnded: boolean;
}

export type FromWhere = 'oldest' | { readonly after: string } | { readonly at: string };

export interface StreamClient {
  /** Throws ConcordatError, as everything here, where the service cannot be asked. */
  shards(stream: string, signal?: AbortSignal): Promise<readonly Shard[] | Untold>;
  /** `visit` answers false where it has seen enough. */
  read(
    stream: string,
    shard: Shard,
    from: FromWhere,
    visit: (key: Readonly<Record<string, AttributeValue>> | undefined) => boolean,
    signal?: AbortSignal,
  ): Promise<ReadShard | Untold>;
}

/**
 * A page without records is not the end of a shard that is open; after so many in a row it is taken for the end of what
 * has come so far. HAZARD: what comes after them is told once the shard is closed, some hours later at most, as a closed
 * shard is read until the service says that it has ended.
 */
const emptyPagesMax = 5;

export function createStreamClient(options: DynamodbConnectorOptions): StreamClient {
  const { shared, limits } = clientConfig(options);
  const client = new DynamoDBStreamsClient({ ...shared, maxAttempts: limits.readAttemptsMax, retryMode: 'adaptive' });

  async function ask<Answer extends object>(
    action: string,
    call: () => Promise<Answer>,
    signal: AbortSignal | undefined,
  ): Promise<Answer | Untold | 'iteratorExpired'> {
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      const answer = answerOf(error);
      switch (answer.code) {
        case 'ExpiredIterator':
          return 'iteratorExpired';
        case 'TrimmedDataAccess':
          return { why: 'expired', detail: 'the stream keeps what it tells for a day, and the last read is older' };
        case 'ResourceNotFound':
          return { why: 'expired', detail: 'the stream, or a shard of it, is gone' };
        // A sequence number that the shard does not know.
        case 'Validation':
          return { why: 'doubtful', detail: answerWords(action, answer) };
        case 'AccessDenied':
          return { why: 'notOffered', detail: answerWords(action, answer) };
        default:
          throw readFailure(action, error);
      }
    }
  }
  const abortable = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

  async function iteratorAt(
    StreamArn: string,
    ShardId: string,
    from: FromWhere,
    signal: AbortSignal | undefined,
  ): Promise<string | Untold> {
    const where: { ShardIteratorType: ShardIteratorType; SequenceNumber?: string } =
      from === 'oldest'
        ? { ShardIteratorType: 'TRIM_HORIZON' }
        : 'after' in from
          ? { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: from.after }
          : { ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber: from.at };
    const answer = await ask(
      'dynamodb:GetShardIterator',
      () => client.send(new GetShardIteratorCommand({ StreamArn, ShardId, ...where }), abortable(signal)),
      signal,
    );
    if (answer === 'iteratorExpired') return { why: 'doubtful', detail: 'an iterator expired before it was used' };
    if (isUntold(answer)) return answer;
    return answer.ShardIterator ?? { why: 'doubtful', detail: 'dynamodb:GetShardIterator answered without one' };
  }

  return {
    async shards(stream, signal) {
      const shards: Shard[] = [];
      let after: string | undefined;
      do {
        const page = after === undefined ? {} : { ExclusiveStartShardId: after };
        const answer = await ask(
          'dynamodb:DescribeStream',
          () => client.send(new DescribeStreamCommand({ StreamArn: stream, ...page }), abortable(signal)),
          signal,
        );
        if (answer === 'iteratorExpired') return { why: 'doubtful', detail: 'the stream was not described' };
        if (isUntold(answer)) return answer;
        const { StreamStatus, Shards = [], LastEvaluatedShardId } = answer.StreamDescription ?? {};
        if (StreamStatus !== 'ENABLED') return { why: 'doubtful', detail: 'the stream is not switched on' };
        for (const { ShardId, ParentShardId, SequenceNumberRange } of Shards) {
          const firstSequence = SequenceNumberRange?.StartingSequenceNumber;
          if (ShardId === undefined || firstSequence === undefined)
            return { why: 'doubtful', detail: 'dynamodb:DescribeStream names a shard without its beginning' };
          const isClosed = SequenceNumberRange?.EndingSequenceNumber !== undefined;
          shards.push({ id: ShardId, parent: ParentShardId ?? null, firstSequence, isClosed });
        }
        after = LastEvaluatedShardId;
      } while (after !== undefined);
      return shards;
    },

    async read(stream, shard, from, visit, signal) {
      let lastSequence = from !== 'oldest' && 'after' in from ? from.after : null;
      let iterator: string | Untold | undefined = await iteratorAt(stream, shard.id, from, signal);
      let emptyPages = 0;
      while (iterator !== undefined) {
        if (typeof iterator === 'object') return iterator;
        const ShardIterator: string = iterator;
        const answer: GetRecordsCommandOutput | Untold | 'iteratorExpired' = await ask(
          'dynamodb:GetRecords',
          () => client.send(new GetRecordsCommand({ ShardIterator }), abortable(signal)),
          signal,
        );
        if (answer === 'iteratorExpired') {
          iterator = await iteratorAt(stream, shard.id, lastSequence === null ? from : { after: lastSequence }, signal);
          continue;
        }
        if (isUntold(answer)) return answer;
        const records: readonly _Record[] = answer.Records ?? [];
        for (const { dynamodb } of records) {
          if (!visit(dynamodb?.Keys))
            return { why: 'many', detail: 'the stream tells more changes than are looked at' };
          lastSequence = dynamodb?.SequenceNumber ?? lastSequence;
        }
        emptyPages = records.length === 0 ? emptyPages + 1 : 0;
        if (!shard.isClosed && emptyPages >= emptyPagesMax) return { lastSequence, isEnded: false };
        iterator = answer.NextShardIterator;
      }
      return { lastSequence, isEnded: true };
    },
  };
}
