/** Text from files and clouds made safe for a terminal: it may hold escape sequences that move, hide or forge lines. */

/** Control characters become visible: U+001B is shown as `\u001b`. Line ends and tabs stay where `keepLines` says so. */
export function terminalText(text: string, keepLines = false): string {
  // Control characters, and the marks that turn the direction of text around (CVE-2021-42574).
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) =>
    keepLines && (character === '\n' || character === '\t')
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
