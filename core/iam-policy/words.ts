/** Spellings of single words of a policy that mean the same, without regular expressions: peers compute them again. */

/** A to Z alone: actions and condition keys have no other letters. */
export function asciiLower(text: string): string {
  let lower = '';
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    lower += code >= 65 && code <= 90 ? String.fromCharCode(code + 32) : text.charAt(at);
  }
  return lower;
}

/** A run of `*` and `?` matches the same in any order, and one `*` does what several do: `*?**` becomes `?*`. */
export function foldWildcards(text: string): string {
  let folded = '';
  for (let at = 0; at < text.length;) {
    const character = text.charAt(at);
    // in `${*}`, `${?}` and `${$}` the character stands for itself
    if (character === '$' && text.charAt(at + 1) === '{') {
      const end = text.indexOf('}', at);
      const until = end === -1 ? text.length : end + 1;
      folded += text.slice(at, until);
      at = until;
      continue;
    }
    let single = 0;
    let many = false;
    for (; text.charAt(at) === '*' || text.charAt(at) === '?'; at += 1) {
      if (text.charAt(at) === '*') many = true;
      else single += 1;
    }
    if (single > 0 || many) folded += '?'.repeat(single) + (many ? '*' : '');
    else {
      folded += character;
      at += 1;
    }
  }
  return folded;
}

/**
 * `AWS:arn:aws:iam::123456789012:root` for the account number alone too; `*` for everybody.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
export function principalText(kind: string, value: string): string {
  if (kind === 'AWS' && value === '*') return '*';
  if (kind === 'AWS' && isAccountNumber(value)) return `AWS:arn:aws:iam::${value}:root`;
  return `${kind}:${value}`;
}

function isAccountNumber(text: string): boolean {
  if (text.length !== 12) return false;
  for (let at = 0; at < 12; at += 1) if (text.charAt(at) < '0' || text.charAt(at) > '9') return false;
  return true;
}
