/** base64 with padding (RFC 4648 section 4) in its one canonical form, as C2SP notes carry it. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second, third] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    const bits = (first << 16) | ((second ?? 0) << 8) | (third ?? 0);
    text += alphabet.charAt(bits >>> 18) + alphabet.charAt((bits >>> 12) & 63);
    text += second === undefined ? '=' : alphabet.charAt((bits >>> 6) & 63);
    text += third === undefined ? '=' : alphabet.charAt(bits & 63);
  }
  return text;
}

/** Null for anything that toBase64 could not have written. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let filled = 0;
  for (let at = 0; at < text.length; at += 4) {
    let bits = 0;
    for (let inside = 0; inside < 4; inside += 1) {
      const isPadding = at + inside >= text.length - padding;
      const value = isPadding ? 0 : alphabet.indexOf(text.charAt(at + inside));
      if (value < 0) return null;
      bits = (bits << 6) | value;
    }
    for (let shift = 16; shift >= 0 && filled < bytes.length; shift -= 8) bytes[filled++] = (bits >>> shift) & 255;
  }
  // Bits that padding leaves over could be altered without altering the bytes.
  return toBase64(bytes) === text ? bytes : null;
}
