/**
 * Finds any of many words in many bytes, once over each: also where they stand as base64 or base64url inside a longer
 * text, and as JSON escapes them.
 */

/**
 * Shorter words say nothing: signatures are random letters, and in some megabytes of them stands every word of five.
 * Encoded words have to be longer, since six forms of each are looked for.
 */
export const lettersMin = 7;
const encodedMin = 9;

interface Form {
  readonly word: string;
  readonly bytes: Buffer;
}

export class WordSearch {
  readonly #forms = new Map<number, Form[]>();
  /** One bit for each pair of bytes that a form begins with: most places end here. */
  readonly #begins = new Uint8Array(65_536);
  readonly words: number;

  constructor(words: Iterable<string>) {
    const all = [...new Set(words)].filter((word) => word.length >= lettersMin);
    this.words = all.length;
    for (const word of all) for (const bytes of formsOf(word)) this.#add({ word, bytes });
  }

  #add(form: Form): void {
    this.#begins[form.bytes.readUInt16LE(0)] = 1;
    const key = form.bytes.readUInt32LE(0);
    this.#forms.set(key, [...(this.#forms.get(key) ?? []), form]);
  }

  /** The words that stand in it, each once. */
  in(bytes: Buffer): ReadonlySet<string> {
    const found = new Set<string>();
    for (let at = 0; at + 4 <= bytes.length; at += 1) {
      if (this.#begins[(bytes[at] as number) | ((bytes[at + 1] as number) << 8)] === 0) continue;
      for (const form of this.#forms.get(bytes.readUInt32LE(at)) ?? [])
        if (bytes.subarray(at, at + form.bytes.length).equals(form.bytes)) found.add(form.word);
    }
    return found;
  }
}

/** As it is, escaped, and as base64 from each of the three places where a group of four letters may begin. */
function formsOf(word: string): readonly Buffer[] {
  const texts = new Set([word, JSON.stringify(word).slice(1, -1)]);
  for (const start of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(start), Buffer.from(word)])
      .toString('base64')
      .replaceAll('=', '');
    // Letters at both ends also hold bits of what stands before and after.
    const inner = encoded.slice(
      start === 0 ? 0 : start + 1,
      (start + Buffer.byteLength(word)) % 3 === 0 ? undefined : -1,
    );
    for (const text of [inner, inner.replaceAll('+', '-').replaceAll('/', '_')])
      if (text.length >= encodedMin) texts.add(text);
  }
  return [...texts].map((text) => Buffer.from(text));
}
