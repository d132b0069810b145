/**
 * All manifests of a federation folder, verified together: whether every member signed what its file says now, whether
 * each is pinned by its peers, and which terms of it are in force. Reaches no private key.
 */
import { canonicalJson } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import type { AcceptedManifest, PinnedPeer } from '../../core/federation/accepted-manifest.js';
import { termsInForce } from '../../core/manifest/in-force.js';
import type { PublicKey } from '../../core/public-key.js';
import { termsOf } from '../../core/federation/terms.js';
import type { AuthorityId } from '../../core/record.js';
import { manifestFile, pinFile } from '../../core/federation/manifest-files.js';
import { readConfiguration, readPin, statementText, type ReadConfiguration, type ReadPin } from './read-statements.js';

/** Why a manifest or a pin does not hold, in words that say what to run. */
export interface ManifestFault {
  /** Who must do something. */
  readonly authority: string;
  readonly file: string;
  readonly message: string;
}

export interface ManifestView {
  /**
   * Whose eyes: an authority trusts its own key and what it pinned itself. Where absent, the keys in federation.yaml
   * are trusted, as the coordinator and the command line must, who are nobody's authority.
   */
  readonly anchor?: AuthorityId;
  readonly nowMs?: number;
}

export interface ReadManifests {
  readonly faults: readonly ManifestFault[];
  /** Of each member whose own statement holds, also where its peers have not pinned it. */
  readonly configurations: ReadonlyMap<AuthorityId, ReadConfiguration>;
  /** By `<authority>/<peer>`. */
  readonly pins: ReadonlyMap<string, ReadPin>;
  /** Complete where there is no fault. */
  readonly manifests: Readonly<Record<AuthorityId, AcceptedManifest>>;
}

/** `federation` as loadFederation read it: its authorities say what the files say. */
export async function readManifests(
  folder: string,
  federation: Federation,
  view: ManifestView = {},
): Promise<ReadManifests> {
  const reading = new Reading(folder, federation, view);
  const members = federation.file.members.map(({ id }) => id);
  // The anchor first: it says by which keys it knows the others.
  for (const id of [...members].sort((one, other) => Number(other === view.anchor) - Number(one === view.anchor)))
    await reading.configuration(id);
  for (const authority of members)
    for (const peer of members) if (authority !== peer) await reading.pin(authority, peer);
  return reading.result(members);
}

class Reading {
  readonly #folder: string;
  readonly #federation: Federation;
  readonly #anchor: AuthorityId | undefined;
  readonly #nowMs: number;
  readonly #faults: ManifestFault[] = [];
  readonly #configurations = new Map<AuthorityId, ReadConfiguration>();
  readonly #pins = new Map<string, ReadPin>();

  constructor(folder: string, federation: Federation, view: ManifestView) {
    this.#folder = folder;
    this.#federation = federation;
    this.#anchor = view.anchor;
    this.#nowMs = view.nowMs ?? Date.now();
  }

  #fault(authority: string, file: string, message: string): void {
    this.#faults.push({ authority, file, message });
  }

  async configuration(id: AuthorityId): Promise<void> {
    const file = manifestFile(id);
    const authority = this.#federation.authorities[id];
    const pinned = this.#federation.file.members.find((member) => member.id === id)?.key;
    if (!authority || !pinned)
      return this.#fault(id, file, `federation.yaml pins no key of ${id}; run \`concordat keys generate\``);
    const jws = await statementText(this.#folder, file);
    const sign = `run \`concordat manifest sign --authority ${id}\` where its key is`;
    if (jws === undefined) return this.#fault(id, file, `${id} has not signed its manifest; ${sign}`);
    const keys = await this.#keysFor(id, pinned);
    if (!keys) return;
    try {
      const read = await readConfiguration(jws, {
        folder: this.#folder,
        federation: this.#federation.file.federation,
        authority: id,
        keys,
        nowMs: this.#nowMs,
      });
      this.#configurations.set(id, read);
      if (canonicalJson(read.mesh.terms) !== canonicalJson(termsOf(authority)))
        this.#fault(
          id,
          file,
          `authorities/${id}.yaml changed since ${id} signed it; look at the change with \`concordat manifest diff ${id}\`, then ${sign}`,
        );
    } catch (error) {
      this.#fault(
        id,
        file,
        `is not what the pinned key of ${id} signed (${wordsOf(error)}); ${sign}, or get the right files from ${id}`,
      );
    }
  }

  /** Undefined after a fault was told. */
  async #keysFor(id: AuthorityId, pinned: PublicKey): Promise<readonly PublicKey[] | undefined> {
    if (this.#anchor === undefined || this.#anchor === id) return [pinned];
    if (!this.#configurations.has(this.#anchor)) return undefined;
    await this.pin(this.#anchor, id);
    return this.#pins.get(`${this.#anchor}/${id}`)?.statement.jwks.keys;
  }

  async pin(authority: AuthorityId, peer: AuthorityId): Promise<void> {
    const issuer = this.#configurations.get(authority);
    const subject = this.#configurations.get(peer);
    const isOwn = authority === this.#anchor;
    const place = `${authority}/${peer}`;
    const file = pinFile(authority, peer);
    if (!issuer || (!subject && !isOwn) || this.#faults.some((fault) => fault.file === file)) return;
    const run = `run \`concordat peer pin ${peer} --authority ${authority}\` where the key of ${authority} is`;
    if (!this.#pins.has(place)) {
      const jws = await statementText(this.#folder, file);
      if (jws === undefined) return this.#fault(authority, file, `${authority} has not pinned ${peer}; ${run}`);
      try {
        this.#pins.set(
          place,
          await readPin(jws, {
            federation: this.#federation.file.federation,
            authority,
            peer,
            keys: issuer.statement.jwks.keys,
            nowMs: this.#nowMs,
          }),
        );
      } catch (error) {
        return this.#fault(
          authority,
          file,
          `is not what ${authority} signed about ${peer} (${wordsOf(error)}); ${run}`,
        );
      }
    }
    const pin = this.#pins.get(place);
    if (subject && pin && !pin.statement.jwks.keys.some(({ kid }) => kid === subject.kid))
      this.#fault(
        authority,
        file,
        `${authority} pins another key of ${peer} than the one that signed its manifest; ${run}`,
      );
  }

  result(members: readonly AuthorityId[]): ReadManifests {
    const manifests: Record<AuthorityId, AcceptedManifest> = {};
    for (const [id, read] of this.#configurations) {
      const acceptances = members.flatMap((peer) => {
        const accepted = this.#pins.get(`${peer}/${id}`)?.statement.concordat_acceptance;
        return accepted ? [{ peer, manifestIssuedAtMs: accepted.manifest_iat * 1_000, terms: accepted.terms }] : [];
      });
      const { terms, waitsFor } = termsInForce(read.mesh.terms, acceptances);
      const pins: Record<AuthorityId, PinnedPeer> = {};
      for (const peer of members) {
        const pin = this.#pins.get(`${id}/${peer}`);
        if (pin) pins[peer] = pinnedPeer(pin);
      }
      manifests[id] = {
        authority: id,
        id: read.id,
        issuedAtMs: read.statement.iat * 1_000,
        expiresMs: read.statement.exp * 1_000,
        published: read.mesh.terms,
        inForce: terms,
        waitsFor,
        keys: read.keys,
        pins,
      };
    }
    return { faults: this.#faults, configurations: this.#configurations, pins: this.#pins, manifests };
  }
}

function pinnedPeer({ id, statement }: ReadPin): PinnedPeer {
  const { manifest, manifest_iat, terms } = statement.concordat_acceptance;
  return {
    id,
    issuedAtMs: statement.iat * 1_000,
    expiresMs: statement.exp * 1_000,
    kids: statement.jwks.keys.map(({ kid }) => kid),
    manifest,
    manifestIssuedAtMs: manifest_iat * 1_000,
    terms,
  };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof ConcordatError)) throw error;
  return error.message;
}
